"""Versions of a ChurnModel: found by their number, and told in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from churnctl.errors import NotFoundError
from churnctl.view import ChurnModel, Version


def version_of(model: ChurnModel, number: int) -> Version:
    """The version of this number.

    Raises:
        NotFoundError: there is none; the sentence says which there are.
    """
    found = model.version(number)
    if found is not None:
        return found
    if not model.versions:
        raise NotFoundError(f"{model.name} has no version {number}: it has none yet.")
    there = ", ".join(f"v{version.number}" for version in model.versions)
    gone = " Older ones than spec.history.limit are forgotten." if number <= model.latest_version else ""
    raise NotFoundError(f"{model.name} has no version {number}; it has {there}.{gone}")


def facts(version: Version) -> list[list[str]]:
    """What a version is, line by line."""
    known = {
        "state": version.state,
        "reason": version.reason,
        "algorithm": version.algorithm,
        "created": _time(version.created),
        "promoted": _time(version.promoted),
        "retired": _time(version.retired),
        "training key": version.key,
        "dataset digest": version.dataset_digest,
        "sha256": version.sha256,
        "run": version.run_id,
        "image": version.image,
        "pipeline package": version.pipeline,
        "artifacts": version.output_uri,
    }
    return [[name, value] for name, value in known.items() if value]


def gate_lines(version: Version) -> list[list[str]]:
    """The gate's verdicts: metric, value, what was asked for, verdict."""
    return [
        [_subject(each), _number(each.get("value")), wanted(each), "passed" if each.get("passed") else "missed"]
        for each in version.gate
    ]


def wanted(result: Mapping[str, Any]) -> str:
    """What the gate asked for: `≥ 0.8`, `≤ 0.05`, or both."""
    bounds = [("≥", result.get("minimum")), ("≤", result.get("maximum"))]
    return " and ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


def _subject(result: Mapping[str, Any]) -> str:
    match result.get("check", "Threshold"):
        case "Champion":
            return f"{result.get('metric', '')} against the champion"
        case "TooGood":
            return f"{result.get('metric', '')} too good"
        case _:
            return str(result.get("metric", ""))


def _number(value: float | None) -> str:
    return "absent" if value is None else f"{value:.4f}"


def _time(time: Any) -> str:
    return "" if time is None else time.strftime("%Y-%m-%d %H:%M:%SZ")
