"""The proposal as a manifest with comments, for a person to read, correct and commit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from churn_report import Column, ColumnKind

from churnctl.lint.documents import plain
from churnctl.proposal.contract import Contract
from churnctl.proposal.gate import Gate
from churnctl.proposal.roles import Roles

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./()-]*(?: [A-Za-z0-9_./()-]+)*")
_PLAIN_URI = re.compile(r"s3://[A-Za-z0-9_./()=-]+")
_WIDTH = 100
NAME_LIMIT = 40


@dataclass(frozen=True)
class Proposal:
    """Everything that was guessed."""

    name: str
    uri: str
    file: str
    roles: Roles
    contract: Contract
    gate: Gate

    def text(self) -> str:
        """The manifest, as YAML."""
        return "\n".join([*self._head(), *self._dataset(), *self._evaluation(), *_ROLLOUT]) + "\n"

    def _head(self) -> Iterator[str]:
        yield f"# Proposed by `kubectl churn init` from {in_a_line(self.file)}."
        yield "# Read it, correct it, and hold it in Git."
        yield "apiVersion: churnops.dev/v1alpha1"
        yield "kind: ChurnModel"
        yield "metadata:"
        yield f"  name: {scalar(self.name)}"
        yield "spec:"

    def _dataset(self) -> Iterator[str]:
        yield "  dataset:"
        yield f"    uri: {scalar(self.uri)} # where the file is uploaded to"
        for note in self.roles.notes:
            yield f"    # {in_a_line(note)}"
        yield f"    target: {scalar(self.roles.target)}"
        yield f"    positiveLabel: {quoted(self.roles.positive_label)}"
        yield f"    idColumn: {scalar(self.roles.id_column)}"
        if self.contract.telco:
            yield "    # The columns are those of the built-in Telco contract, so none has to be listed."
        for name, reason in self.contract.left_out:
            yield f"    # left out: {scalar(name)}, {in_a_line(reason)}"
        if not self.contract.telco:
            yield "    # What a customer is. A value outside this is refused, in training and in predictions."
            yield "    columns:"
            for column in self.contract.columns:
                yield from _column(column)

    def _evaluation(self) -> Iterator[str]:
        yield "  evaluation:"
        for note in self.gate.notes:
            yield f"    # {in_a_line(note)}"
        yield "    minimums:"
        yield f"      rocAuc: {self.gate.roc_auc:g}"
        yield "    maximums:"
        yield f"      expectedCalibrationError: {self.gate.calibration_error:g}"
        yield "    tooGood: # most often a column that is written after a customer left"
        yield "      metric: rocAuc"
        yield f"      above: {self.gate.too_good:g}"
        yield "    champion: # and not worse than the version in service"
        yield "      metric: rocAuc"
        yield f"      margin: {self.gate.margin:g}"


_ROLLOUT = (
    "  rollout:",
    "    steps:",
    "      - weight: 10",
    "        bake: 1h",
    "      - weight: 50",
    "        bake: 1h",
    "      - weight: 100",
    "        bake: 10m",
)


def _column(column: Column) -> Iterator[str]:
    yield f"      - name: {scalar(column.name)}"
    yield f"        kind: {column.kind}"
    match column.kind:
        case ColumnKind.CATEGORY:
            yield from _categories(column)
        case ColumnKind.NUMBER:
            bounds = {"minimum": column.minimum, "maximum": column.maximum}
            yield from (f"        {name}: {_number(bound)}" for name, bound in bounds.items() if bound is not None)
    if column.nullable:
        yield "        nullable: true"


def _categories(column: Column) -> Iterator[str]:
    values = [quoted(value) for value in column.categories]
    line = f"        categories: [{', '.join(values)}]"
    if len(line) <= _WIDTH:
        yield line
        return
    yield "        categories:"
    yield from (f"          - {value}" for value in values)


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def scalar(text: str) -> str:
    """A text for YAML, in quotes where it could be read as something else."""
    readable = _PLAIN.fullmatch(text) and isinstance(plain(text), str) and text.lower() not in {"null", "~"}
    return text if readable or _PLAIN_URI.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    """A text for YAML, in quotes."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in written)


def in_a_line(text: str) -> str:
    """A text for a comment, which ends with its line: YAML knows more line breaks than one."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def label_of(text: str) -> str:
    """A text as the name of a ChurnModel: lower case letters, digits and dashes, at most 40 of them."""
    label = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:NAME_LIMIT].strip("-")
    return label or "churn-model"
