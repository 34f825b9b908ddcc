"""argocd-cm.yaml, the form in which an Argo CD that was not built with the customization takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploy.generated_files import HEADER, block_yaml

FOLDER = Path(__file__).parent
CONFIG_MAP = FOLDER / "argocd-cm.yaml"
_CUSTOMIZATIONS = FOLDER / "resource_customizations"
# No line of a script is folded.
_WIDTH = 1000


def rendered() -> dict[Path, str]:
    """The ConfigMap: health and actions of every kind that has a folder."""
    data: dict[str, str] = {}
    for script in sorted(_CUSTOMIZATIONS.glob("*/*/health.lua")):
        kind = f"{script.parent.parent.name}_{script.parent.name}"
        data[f"resource.customizations.health.{kind}"] = script.read_text(encoding="utf-8")
        data[f"resource.customizations.actions.{kind}"] = block_yaml(_actions(script.parent / "actions"), _WIDTH)
    metadata = {
        "name": "argocd-cm",
        "labels": {"app.kubernetes.io/name": "argocd-cm", "app.kubernetes.io/part-of": "argocd"},
    }
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    return {CONFIG_MAP: HEADER + block_yaml(config_map, _WIDTH)}


def _actions(folder: Path) -> dict[str, Any]:
    definitions = [
        {"name": script.parent.name, "action.lua": script.read_text(encoding="utf-8")}
        for script in sorted(folder.glob("*/action.lua"))
    ]
    return {"discovery.lua": (folder / "discovery.lua").read_text(encoding="utf-8"), "definitions": definitions}
