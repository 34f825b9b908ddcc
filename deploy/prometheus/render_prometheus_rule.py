"""Writes prometheusrule.yaml, the form in which the Prometheus operator takes churn.rules.yaml."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
RULES = FOLDER / "churn.rules.yaml"
PROMETHEUS_RULE = FOLDER / "prometheusrule.yaml"
_HEADER = "# Generated from churn.rules.yaml by `python deploy/prometheus/render_prometheus_rule.py`; do not edit.\n"


def rendered() -> str:
    """The PrometheusRule as YAML: the groups of the rules file."""
    labels = {"app.kubernetes.io/name": "churn-operator", "app.kubernetes.io/instance": "churn-operator"}
    document: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "churn-operator", "namespace": "churn-system", "labels": labels},
        "spec": yaml.safe_load(RULES.read_text(encoding="utf-8")),
    }
    return _HEADER + yaml.dump(document, Dumper=_BlockDumper, sort_keys=False, width=120)


class _BlockDumper(yaml.SafeDumper):
    """Expressions of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_BlockDumper.add_representer(str, _text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write prometheusrule.yaml, or with --check compare: 1 when it differs from the rules file."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file differs")
    if not parser.parse_args(arguments).check:
        PROMETHEUS_RULE.write_text(rendered(), encoding="utf-8")
        return 0
    if PROMETHEUS_RULE.is_file() and PROMETHEUS_RULE.read_text(encoding="utf-8") == rendered():
        return 0
    print(f"{PROMETHEUS_RULE} differs from {RULES.name}: run `python {Path(__file__).name}` there", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
