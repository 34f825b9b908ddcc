"""What the chart has of elsewhere: ChurnModel's definition and the alert rules in files/, and README.md, whose table is
made of values.yaml and values.schema.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent / "churn-operator"
_DEPLOY = Path(__file__).parents[1]
_COPIES = {
    CHART / "files" / "churnmodels.churnops.dev.yaml": _DEPLOY / "crds" / "churnmodels.churnops.dev.yaml",
    CHART / "files" / "churn.rules.yaml": _DEPLOY / "prometheus" / "churn.rules.yaml",
}
_MARK = "<!-- The table is made by `make generate` of values.yaml and values.schema.json. -->\n"


def rendered() -> dict[Path, str]:
    """Every file that this makes, with its text."""
    files = {target: source.read_text(encoding="utf-8") for target, source in _COPIES.items()}
    readme = CHART / "README.md"
    head, _, _ = readme.read_text(encoding="utf-8").partition(_MARK)
    return {**files, readme: head + _MARK + "\n" + table()}


def table() -> str:
    """A row a value: its name, its default, what it does."""
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    rows = [
        f"| `{path}` | {_default(default)} | {description.replace('|', '/')} |"
        for path, default, description in _leaves(schema, values)
    ]
    return "\n".join(["| Value | Default | |", "| --- | --- | --- |", *rows]) + "\n"


_NOTHING = object()


def _leaves(schema: dict[str, Any], default: Any, path: str = "") -> Iterator[tuple[str, Any, str]]:
    for name, child in schema.get("properties", {}).items():
        place = f"{path}.{name}".lstrip(".")
        own = default.get(name, _NOTHING) if isinstance(default, dict) else _NOTHING
        if "properties" in child:
            yield from _leaves(child, own, place)
        elif name != "global":
            yield place, own, child["description"]


def _default(value: Any) -> str:
    return "" if value is _NOTHING or value in ("", None) else f"`{json.dumps(value)}`"
