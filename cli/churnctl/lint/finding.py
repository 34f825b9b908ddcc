"""What the API server would say about a part of an object."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from churnctl.lint.documents import Path


@dataclass(frozen=True)
class Finding:
    """One mistake.

    Attributes:
        path: the field; empty for the whole object.
        message: the API server's words behind the field.
        blocking: whether the API server looks no further before it is corrected.
        unknown: whether the field is not one of the API, which the API server tells in another way.
    """

    path: Path
    message: str
    blocking: bool = False
    unknown: bool = False

    @property
    def field(self) -> str:
        """The path as the API server writes it: spec.rollout.steps[0].weight, or <nil> for the object."""
        return field_name(self.path) or "<nil>"

    @property
    def sentence(self) -> str:
        """The whole of it, as kubectl prints it."""
        return self.message if self.unknown else f"{self.field}: {self.message}"


def field_name(path: Path) -> str:
    """("spec", "rollout", "steps", 0, "weight") as spec.rollout.steps[0].weight."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def shown(value: Any) -> str:
    """A scalar as Go's JSON writes it; a float without a fraction is a whole number."""
    if isinstance(value, float) and not isinstance(value, bool):
        return go_float(value)
    return json.dumps(value, ensure_ascii=False)


def go_float(value: float) -> str:
    """strconv.FormatFloat(value, 'g', -1, 64): the shortest digits, an exponent from 1e+21 on."""
    if value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return repr(value)
