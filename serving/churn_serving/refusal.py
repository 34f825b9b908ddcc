"""Why a request is refused: a reason for machines, a sentence for the caller."""

from __future__ import annotations

import reprlib
from enum import StrEnum
from typing import Any

from kserve.errors import InvalidInput


class Reason(StrEnum):
    """The closed set of refusals; each is a label value of the error metric."""

    NOT_JSON = "NotJSON"
    NOT_AN_OBJECT = "NotAnObject"
    BODY_TOO_LARGE = "BodyTooLarge"
    CLIENT_DISCONNECTED = "ClientDisconnected"
    MODEL_NOT_FOUND = "ModelNotFound"
    INSTANCES_MISSING = "InstancesMissing"
    INSTANCES_NOT_A_LIST = "InstancesNotAList"
    INSTANCES_EMPTY = "InstancesEmpty"
    TOO_MANY_INSTANCES = "TooManyInstances"
    INSTANCE_NOT_A_ROW = "InstanceNotARow"
    WRONG_LENGTH = "WrongLength"
    MISSING_FIELD = "MissingField"
    UNKNOWN_FIELD = "UnknownField"
    MISSING_VALUE = "MissingValue"
    UNKNOWN_CATEGORY = "UnknownCategory"
    NOT_A_NUMBER = "NotANumber"
    OUT_OF_RANGE = "OutOfRange"
    MALFORMED_TENSOR = "MalformedTensor"
    UNKNOWN_OUTPUT = "UnknownOutput"


class Refusal(InvalidInput):  # type: ignore[misc]
    """A request that is the caller's to correct.

    Attributes:
        kind: the reason.
        status: HTTP status of the answer, a 4xx.
    """

    def __init__(self, kind: Reason, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.status = status


def quoted(value: Any) -> str:
    """A client's value for a sentence: quoted when a string, and never longer than 60 characters."""
    # repr() fails on a thousand nested lists, and takes its time over a long one.
    text = f'"{value}"' if isinstance(value, str) else reprlib.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
