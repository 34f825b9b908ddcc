"""A customer as the caller sends it, checked field by field against the data contract."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from churn_report import Column, ColumnKind, DataContract

from churn_serving.refusal import Reason, Refusal, quoted

Row = list[Any]
"""One customer in contract order: str for a category, float for a number; a blank is None or NaN."""

_NAN = float("nan")


class _InvalidValueError(Exception):
    """What is wrong with one value, before it is known in which instance."""

    def __init__(self, kind: Reason, problem: str) -> None:
        super().__init__(problem)
        self.kind = kind
        self.problem = problem


class RowValidator:
    """Turns instances (objects with named fields, or arrays in contract order) into rows.

    Args:
        contract: the columns a row has, in order, with their allowed values.
        maximum_instances: most instances accepted in one request.
    """

    def __init__(self, contract: DataContract, maximum_instances: int) -> None:
        self._names = contract.names
        self._known = frozenset(contract.names)
        self._checks = tuple(_check_of(column) for column in contract.columns)
        self._maximum_instances = maximum_instances

    @property
    def names(self) -> tuple[str, ...]:
        """Field names in contract order."""
        return self._names

    def rows(self, instances: Any) -> list[Row]:
        """Every instance as a row.

        Raises:
            Refusal: with the index of the first instance that does not hold the contract, and its field.
        """
        if not isinstance(instances, list):
            raise Refusal(
                Reason.INSTANCES_NOT_A_LIST,
                f'"instances" must be a list of customers, not {quoted(instances)}.',
            )
        self.check_count(len(instances))
        return [self._row(index, instance) for index, instance in enumerate(instances)]

    def check_count(self, count: int) -> None:
        """Refuse an empty request and one with more instances than this server accepts."""
        if count == 0:
            raise Refusal(Reason.INSTANCES_EMPTY, "The request holds no instance; send at least one customer.")
        if count > self._maximum_instances:
            raise Refusal(
                Reason.TOO_MANY_INSTANCES,
                f"The request holds {count} instances; this server accepts at most "
                f"{self._maximum_instances} in one request.",
            )

    def _row(self, index: int, instance: Any) -> Row:
        values = self._values(index, instance)
        try:
            return [check(value) for check, value in zip(self._checks, values, strict=True)]
        except _InvalidValueError:
            raise self._first_invalid(index, values) from None

    def _values(self, index: int, instance: Any) -> Sequence[Any]:
        if isinstance(instance, dict):
            return self._named_values(index, instance)
        if not isinstance(instance, list):
            raise Refusal(
                Reason.INSTANCE_NOT_A_ROW,
                f"Instance {index} must be an object with named fields or an array of "
                f"{len(self._names)} values in contract order, not {quoted(instance)}.",
            )
        if len(instance) != len(self._names):
            raise Refusal(
                Reason.WRONG_LENGTH,
                f"Instance {index} has {len(instance)} values; {len(self._names)} are expected, "
                f"in this order: {', '.join(self._names)}.",
            )
        return instance

    def _named_values(self, index: int, instance: dict[str, Any]) -> Sequence[Any]:
        for name in instance.keys() - self._known:
            raise Refusal(
                Reason.UNKNOWN_FIELD,
                f"Instance {index}, field {quoted(name)}: the model has no such field; its fields are "
                f"{', '.join(self._names)}.",
            )
        try:
            return [instance[name] for name in self._names]
        except KeyError as missing:
            raise Refusal(
                Reason.MISSING_FIELD, f"Instance {index}, field {quoted(missing.args[0])}: missing."
            ) from None

    def _first_invalid(self, index: int, values: Sequence[Any]) -> Refusal:
        for name, check, value in zip(self._names, self._checks, values, strict=True):
            try:
                check(value)
            except _InvalidValueError as invalid:
                return Refusal(invalid.kind, f"Instance {index}, field {quoted(name)}: {invalid.problem}.")
        raise AssertionError("a row was invalid and all of its values were valid")


def _check_of(column: Column) -> Callable[[Any], Any]:
    match column.kind:
        case ColumnKind.CATEGORY:
            return _category_check(column)
        case ColumnKind.NUMBER:
            return _number_check(column)


def _category_check(column: Column) -> Callable[[Any], str | None]:
    # A category such as SeniorCitizen "0" is an integer in many a client's table; type() keeps out
    # booleans, which are equal to 0 and 1.
    lookup: dict[str | int, str] = {category: category for category in column.categories}
    lookup |= {int(category): category for category in column.categories if _is_integer(category)}
    allowed = ", ".join(f'"{category}"' for category in column.categories)

    def check(value: Any) -> str | None:
        if type(value) is str or type(value) is int:
            found = lookup.get(value)
            if found is not None:
                return found
        if _is_blank(value):
            _check_nullable(column)
            return None
        raise _InvalidValueError(Reason.UNKNOWN_CATEGORY, f"{quoted(value)} is not one of {allowed}")

    return check


def _number_check(column: Column) -> Callable[[Any], float]:
    minimum, maximum = column.bounds

    def check(value: Any) -> float:
        if type(value) is float or type(value) is int:
            number = float(value)
            if not math.isfinite(number):
                raise _InvalidValueError(Reason.NOT_A_NUMBER, "the number must be finite")
            if number < minimum:
                raise _InvalidValueError(Reason.OUT_OF_RANGE, f"{value!r} is below the minimum of {minimum:g}")
            if number > maximum:
                raise _InvalidValueError(Reason.OUT_OF_RANGE, f"{value!r} is above the maximum of {maximum:g}")
            return number
        if _is_blank(value):
            _check_nullable(column)
            return _NAN
        raise _InvalidValueError(Reason.NOT_A_NUMBER, f"{quoted(value)} is not a number")

    return check


def _check_nullable(column: Column) -> None:
    if not column.nullable:
        raise _InvalidValueError(Reason.MISSING_VALUE, "a value is required, and it is blank")


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_integer(category: str) -> bool:
    return category.isascii() and category.isdigit() and str(int(category)) == category
