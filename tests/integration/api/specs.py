"""Specs that a person might apply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

MINIMAL = {"dataset": {"uri": "s3://mlops-data/customers.csv"}}


def changed(text: str) -> dict[str, Any]:
    """The minimal spec with this YAML (1.1, as kubectl reads it) laid over it."""
    return _merged(MINIMAL, yaml.safe_load(text))


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
        for key, value in above.items()
    }
    return {**below, **both}
