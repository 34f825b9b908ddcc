"""CEL as kube-apiserver has it: cel-python, with Kubernetes' functions and with values of the types in the schema.

https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.evaluation import CELEvalError

_QUANTITY = re.compile(
    r"([-+]?[0-9]+(?:\.[0-9]*)?|[-+]?\.[0-9]+)(?:([eE][-+]?[0-9]+)|(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei))?"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


class ExpressionError(Exception):
    """The expression does not hold a value: it failed on what it was given."""


def evaluate(expression: str, this: Any) -> Any:
    """The value of a CEL expression in which `self` is `this`.

    Raises:
        ExpressionError: it fails, or is no CEL.
    """
    try:
        return _program(expression).evaluate({"self": this})
    except (CELEvalError, CELParseError) as error:
        raise ExpressionError(str(error)) from error


def as_cel(value: Any, schema: Mapping[str, Any]) -> Any:
    """A JSON value as CEL sees it: by the type that the schema declares, since CEL has no one number."""
    match value:
        case None | bool() | str():
            return json_to_cel(value)
        case dict():
            return celtypes.MapType(
                {celtypes.StringType(name): as_cel(child, _child(schema, name)) for name, child in value.items()}
            )
        case list():
            items = schema.get("items", {})
            return celtypes.ListType([as_cel(item, items) for item in value])
        case _ if schema.get("type") == "number" or not float(value).is_integer():
            return celtypes.DoubleType(value)
        case _:
            return celtypes.IntType(int(value))


def _child(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    values = schema.get("additionalProperties")
    found = schema.get("properties", {}).get(name, values if isinstance(values, dict) else {})
    assert isinstance(found, Mapping)
    return found


@cache
def _program(expression: str) -> Any:
    environment = celpy.Environment()
    return environment.program(environment.compile(expression), functions=_FUNCTIONS)


def quantity_of(text: str) -> Decimal | None:
    """A quantity such as 500m or 4Gi as a number; None for what is none."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    digits, exponent, suffix = match.groups()
    number = Decimal(digits + (exponent or ""))
    if suffix in _BINARY:
        return number * Decimal(1024) ** _BINARY[suffix]
    return number.scaleb(_DECIMAL[suffix]) if suffix else number


def _is_quantity(text: Any) -> Any:
    return celtypes.BoolType(quantity_of(str(text)) is not None)


class _Quantity(celtypes.StringType):
    """A quantity between `quantity()` and its methods: the text that it was made of."""


def _compare_to(one: Any, other: Any) -> Any:
    left, right = quantity_of(str(one)), quantity_of(str(other))
    if left is None or right is None:
        return CELEvalError(f"{one} and {other} are not both quantities")
    return celtypes.IntType((left > right) - (left < right))


def _is_sorted(items: Any) -> Any:
    values = list(items)
    return celtypes.BoolType(all(one <= other for one, other in pairwise(values)))


_FUNCTIONS: dict[str, Any] = {
    "isQuantity": _is_quantity,
    "quantity": _Quantity,
    "compareTo": _compare_to,
    "isSorted": _is_sorted,
}
