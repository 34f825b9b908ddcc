"""Filling an object in as the API server does before it checks it: nulls are dropped, defaults filled in."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any


def completed(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value with the schema's defaults, and without nulls of fields that have no null."""
    if isinstance(value, list) and "items" in schema:
        return [completed(item, schema["items"]) for item in value]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    values = schema.get("additionalProperties")
    whole = {}
    for name, child in value.items():
        below = properties.get(name, values)
        if not isinstance(below, dict):
            whole[name] = child
        elif child is not None or below.get("nullable"):
            whole[name] = completed(child, below)
    for name, child in properties.items():
        if name not in whole and "default" in child:
            whole[name] = completed(copy.deepcopy(child["default"]), child)
    return whole
