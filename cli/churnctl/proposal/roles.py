"""Which column is the target, which value of it means that the customer left, and which column identifies one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from churnctl.errors import InputError
from churnctl.proposal.table import ColumnSummary, Table

_TARGETS = (
    "churn", "churned", "is_churn", "has_churned", "churn_flag", "churn_label", "churn_value", "exited", "attrition",
    "attrition_flag", "cancelled", "canceled", "left", "unsubscribed", "target", "label",
)  # fmt: skip
_UNMISTAKABLE = frozenset(_TARGETS) - {"left", "target", "label"}
_POSITIVE = (
    "yes", "y", "true", "t", "1", "1.0", "churn", "churned", "left", "exited", "cancelled", "canceled", "lost",
    "attrited customer", "attrited",
)  # fmt: skip
_NEGATIVE = {"no", "n", "false", "f", "0", "0.0", "stayed", "existing customer", "active", "retained", "kept"}
_IDS = re.compile(r"(?:^|_)(?:id|uuid|key|number|no|nr|code|account|msisdn|phone)(?:_|$)")


@dataclass(frozen=True)
class Roles:
    """The columns that are no features, and how sure that is.

    Attributes:
        positive_count: rows with the positive label.
        notes: what was guessed, as sentences.
    """

    target: str
    positive_label: str
    positive_count: int
    id_column: str
    notes: tuple[str, ...]


def roles_of(table: Table, target: str | None, positive: str | None, id_column: str | None) -> Roles:
    """The roles, guessed where they are not given.

    Raises:
        InputError: one cannot be told; the sentence says which option names it.
    """
    notes: list[str] = []
    chosen = table.column(target) if target else _target(table, notes)
    _check_target(table, chosen)
    label = _given_label(chosen, positive) if positive else _label(chosen, notes)
    identity = table.column(id_column) if id_column else _identity(table, chosen, notes)
    if identity.name == chosen.name:
        raise InputError(f"Column {identity.name} cannot be both the target and the id.")
    if not identity.unique:
        why = "has blanks" if identity.blanks else "has a value twice"
        raise InputError(f"Column {identity.name} {why}, so it identifies no customer: name another one with --id.")
    return Roles(chosen.name, label, chosen.values[label], identity.name, tuple(notes))


def plain_name(name: str) -> str:
    """customerID, "Customer ID" and customer-id as customer_id."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def _two_valued(column: ColumnSummary) -> bool:
    return len(column.values) == 2 and not column.blanks


def _target(table: Table, notes: list[str]) -> ColumnSummary:
    candidates = [column for column in table.columns if _two_valued(column)]
    for name in _TARGETS:
        for column in candidates:
            if plain_name(column.name) == name:
                notes.append(f"target: {column.name}, by its name and its two values")
                return column
    meant = next((column for column in table.columns if plain_name(column.name) in _UNMISTAKABLE), None)
    if meant is not None:
        # It cannot be it as it is, which is said; another column with two values would be a wrong guess.
        return meant
    named = [column for column in candidates if re.search("churn|attrition", plain_name(column.name))]
    only = named if len(named) == 1 else candidates
    if len(only) == 1:
        notes.append(f"target: {only[0].name}, the only column that it can be")
        return only[0]
    if not candidates:
        raise InputError(f"{table.file} has no column with two values, so none says who left: add one.")
    names = ", ".join(column.name for column in candidates)
    raise InputError(f"Which column says who left? Name it with --target; two values have {names}.")


def _check_target(table: Table, column: ColumnSummary) -> None:
    if column.blanks:
        rows, them = ("row", "it") if column.blanks == 1 else ("rows", "them")
        raise InputError(f"The target {column.name} is blank in {column.blanks} {rows}: remove or complete {them}.")
    if len(column.values) != 2:
        count = f"more than {len(column.values) - 1}" if column.many else str(len(column.values))
        values = "value" if count == "1" else "values"
        raise InputError(f"The target {column.name} has {count} {values} in {table.file}; it needs two.")


def _given_label(column: ColumnSummary, positive: str) -> str:
    if positive not in column.values:
        raise InputError(f'{column.name} is never "{positive}"; it is {" or ".join(column.values)}.')
    return positive


def _label(column: ColumnSummary, notes: list[str]) -> str:
    for word in _POSITIVE:
        for value in column.values:
            if value.strip().lower() == word:
                notes.append(f'positive label: "{value}", as it is written')
                return value
    others = [value for value in column.values if value.strip().lower() not in _NEGATIVE]
    if len(others) == 1:
        notes.append(f'positive label: "{others[0]}", since the other value means that one stayed')
        return others[0]
    rarer = min(column.values, key=lambda value: column.values[value])
    notes.append(f'positive label: "{rarer}", the rarer value: CHECK THIS, or name it with --positive')
    return rarer


def _identity(table: Table, target: ColumnSummary, notes: list[str]) -> ColumnSummary:
    unique = [column for column in table.columns if column.unique and column.name != target.name]
    for column in sorted(unique, key=lambda each: "customer" not in plain_name(each.name)):
        if _IDS.search(plain_name(column.name)):
            notes.append(f"id: {column.name}, by its name, and no value stands twice")
            return column
    texts = [column for column in unique if not column.numeric or column.integers == column.filled]
    if texts:
        notes.append(f"id: {texts[0].name}, in which no value stands twice")
        return texts[0]
    raise InputError(
        f"No column of {table.file} identifies a customer, with another value in each row: add one, or remove "
        "duplicates."
    )
