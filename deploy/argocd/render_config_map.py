"""Writes argocd-cm.yaml, the form in which an Argo CD that was not built with the customization takes it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
CONFIG_MAP = FOLDER / "argocd-cm.yaml"
_CUSTOMIZATIONS = FOLDER / "resource_customizations"
_HEADER = "# Generated from resource_customizations/ by `python deploy/argocd/render_config_map.py`; do not edit.\n"


def rendered() -> str:
    """The ConfigMap as YAML: health and actions of every kind that has a folder."""
    data: dict[str, str] = {}
    for script in sorted(_CUSTOMIZATIONS.glob("*/*/health.lua")):
        kind = f"{script.parent.parent.name}_{script.parent.name}"
        data[f"resource.customizations.health.{kind}"] = script.read_text()
        data[f"resource.customizations.actions.{kind}"] = _dump(_actions(script.parent / "actions"))
    metadata = {
        "name": "argocd-cm",
        "labels": {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"},
    }
    return _HEADER + _dump({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def _actions(folder: Path) -> dict[str, Any]:
    definitions = [
        {"name": script.parent.name, "action.lua": script.read_text()} for script in sorted(folder.glob("*/action.lua"))
    ]
    return {"discovery.lua": (folder / "discovery.lua").read_text(), "definitions": definitions}


def _dump(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_BlockDumper, sort_keys=False, width=1000)


class _BlockDumper(yaml.SafeDumper):
    """Scripts as text with line breaks, so that a person can read the ConfigMap."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_BlockDumper.add_representer(str, _text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write argocd-cm.yaml, or with --check compare: 1 when it differs from the scripts."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file differs")
    if not parser.parse_args(arguments).check:
        CONFIG_MAP.write_text(rendered(), encoding="utf-8")
        return 0
    if CONFIG_MAP.is_file() and CONFIG_MAP.read_text(encoding="utf-8") == rendered():
        return 0
    print(f"{CONFIG_MAP} differs from its scripts: run `python {FOLDER.name}/{Path(__file__).name}`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
