"""The `filter` parameter of the list calls: a JSON-serialized Filter of v2beta1."""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from churn_devcluster.pipelines.answers import Refusal, RequestError

Fields = Mapping[str, Any]

# By name as in JSON, and by number as kfp.Client sends it.
_NUMBERS = {
    1: "EQUALS",
    2: "NOT_EQUALS",
    3: "GREATER_THAN",
    5: "GREATER_THAN_EQUALS",
    6: "LESS_THAN",
    7: "LESS_THAN_EQUALS",
    8: "IN",
    9: "IS_SUBSTRING",
}
_OPERATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "EQUALS": operator.eq,
    "NOT_EQUALS": operator.ne,
    "GREATER_THAN": operator.gt,
    "GREATER_THAN_EQUALS": operator.ge,
    "LESS_THAN": operator.lt,
    "LESS_THAN_EQUALS": operator.le,
    "IN": lambda field, values: field in values,
    "IS_SUBSTRING": lambda field, part: part in field,
}
_SINGLE_VALUES: dict[str, Callable[[Any], Any]] = {
    "string_value": str,
    "int_value": int,
    "long_value": int,
    "timestamp_value": datetime.fromisoformat,
}
_VALUE_LISTS: dict[str, Callable[[Any], Any]] = {
    "string_values": str,
    "int_values": int,
    "long_values": int,
}


@dataclass(frozen=True)
class Predicate:
    """One condition on one field."""

    key: str
    operation: str
    value: Any

    def holds(self, fields: Fields) -> bool:
        """Whether it holds for a record.

        Raises:
            RequestError: there is no such field, or its type does not fit the value.
        """
        if self.key not in fields:
            raise RequestError(Refusal.INVALID, f"Invalid input error: Cannot filter on unknown field {self.key!r}")
        field = fields[self.key]
        if field is None:
            return False
        try:
            return _OPERATIONS[self.operation](field, self.value)
        except TypeError as error:
            message = f"Invalid input error: field {self.key!r} cannot be compared with {self.value!r}"
            raise RequestError(Refusal.INVALID, message) from error


def parse_filter(text: str) -> tuple[Predicate, ...]:
    """The predicates of a filter, all of which must hold; none for an empty text.

    Raises:
        RequestError: it is not a filter.
    """
    if not text:
        return ()
    try:
        document = json.loads(text)
        return tuple(_predicate(_snake_case(each)) for each in document.get("predicates", ()))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"Invalid input error: failed to parse filter {text}: {error}"
        raise RequestError(Refusal.INVALID, message) from error


def matches(predicates: Sequence[Predicate], fields: Fields) -> bool:
    """Whether every predicate holds."""
    return all(predicate.holds(fields) for predicate in predicates)


def _predicate(document: Mapping[str, Any]) -> Predicate:
    operation = _NUMBERS.get(document["operation"], document["operation"])
    if operation not in _OPERATIONS:
        raise ValueError(f"unknown operation {operation!r}")
    return Predicate(document["key"], operation, _value(document))


def _value(document: Mapping[str, Any]) -> Any:
    for name, read in _SINGLE_VALUES.items():
        if name in document:
            return read(document[name])
    for name, read in _VALUE_LISTS.items():
        if name in document:
            return [read(each) for each in document[name].get("values", ())]
    raise ValueError("a predicate without a value")


def _snake_case(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name): value
        for name, value in document.items()
    }
