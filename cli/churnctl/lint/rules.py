"""The CEL rules of the definition, each with the sentence that the API server refuses with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from churnctl.lint.documents import Path
from churnctl.lint.expressions import ExpressionError, as_cel, evaluate
from churnctl.lint.finding import Finding, shown

_RULES = "x-kubernetes-validations"


def check_rules(value: Any, schema: Mapping[str, Any], path: Path = ()) -> Iterator[Finding]:
    """Findings of every rule at the value and below it. Rules of a change (oldSelf) have nothing to judge offline."""
    this = None
    for rule in schema.get(_RULES, ()):
        if "oldSelf" in rule["rule"]:
            continue
        this = as_cel(value, schema) if this is None else this
        finding = _check(rule, this, value, path)
        if finding is not None:
            yield finding
    if isinstance(value, dict):
        yield from _check_fields(value, schema, path)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from check_rules(item, schema.get("items", {}), (*path, place))


def _check_fields(value: Mapping[str, Any], schema: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    values = schema.get("additionalProperties")
    for name, child in value.items():
        below = schema.get("properties", {}).get(name, values)
        if isinstance(below, dict):
            yield from check_rules(child, below, (*path, name))


def _check(rule: Mapping[str, str], this: Any, value: Any, path: Path) -> Finding | None:
    try:
        if evaluate(rule["rule"], this):
            return None
        message = _message(rule, this)
    except ExpressionError as error:
        message = f"the rule `{rule['rule']}` could not be evaluated: {error}"
    # The API server repeats a value only where it is a short one.
    what = "" if isinstance(value, dict | list) else f"{shown(value)}: "
    return Finding(path, f"Invalid value: {what}{message}")


def _message(rule: Mapping[str, str], this: Any) -> str:
    if "messageExpression" in rule:
        try:
            return str(evaluate(rule["messageExpression"], this))
        except ExpressionError:
            pass
    return rule.get("message", f"failed rule: {rule['rule']}")
