"""Reading a ChurnModel as the API server hands it over, and writing its status back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from churn_operator.api.v1alpha1.spec import ChurnModelSpec
from churn_operator.api.v1alpha1.status import ChurnModelStatus

_SENTENCES = {
    "missing": "is required: add it",
    "extra_forbidden": "is not a field of this version of ChurnModel: remove it or correct its spelling",
}
_SHOWN = 5


class SpecError(ValueError):
    """A spec that cannot be read; the message names each field and what to change."""


def read_spec(raw: Mapping[str, Any]) -> ChurnModelSpec:
    """The spec of an object from the API server.

    Raises:
        SpecError: the API server let it through, but it cannot be read.
    """
    try:
        return ChurnModelSpec.model_validate(raw)
    except ValidationError as error:
        raise SpecError(_sentence(error.errors(include_url=False))) from error


def read_status(raw: Mapping[str, Any] | None) -> ChurnModelStatus:
    """The status of an object from the API server; absent is a new object's.

    Unknown fields are ignored. What another version of the operator wrote and this one cannot read (a new
    phase, say) is left out, with the list element or part that needs it, and the rest is read.
    """
    remaining: Any = dict(raw or {})
    with suppress(ValidationError):
        return ChurnModelStatus.model_validate(remaining)
    remaining = copy.deepcopy(remaining)
    while True:
        try:
            return ChurnModelStatus.model_validate(remaining)
        except ValidationError as error:
            _leave_out(remaining, error.errors(include_url=False)[0])


def write_status(status: ChurnModelStatus) -> dict[str, Any]:
    """The status as JSON for the API server: camelCase, no nulls, times as RFC 3339 in UTC to the second."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


def _sentence(errors: list[ErrorDetails]) -> str:
    parts = [f"{_path(error['loc'])} {_complaint(error)}" for error in errors[:_SHOWN]]
    if len(errors) > _SHOWN:
        parts.append(f"and {len(errors) - _SHOWN} more")
    return "; ".join(parts) + "."


def _path(location: tuple[int | str, ...]) -> str:
    """('rollout', 'steps', 0, 'weight') as spec.rollout.steps[0].weight."""
    return "spec" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)


def _complaint(error: ErrorDetails) -> str:
    if error["type"] in _SENTENCES:
        return _SENTENCES[error["type"]]
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    said = error["msg"].removeprefix("Input ").removeprefix("Value ").removeprefix("String ")
    return f"{said[:1].lower()}{said[1:]}, but is {error['input']!r:.80}"


def _leave_out(root: Any, error: ErrorDetails) -> None:
    """Remove what the error is about from `root`; for a missing field, the part that lacks it."""
    location = error["loc"][:-1] if error["type"] == "missing" else error["loc"]
    *parents, last = location
    parent = root
    for step in parents:
        parent = parent[step]
    del parent[last]
