"""Refusals: the run ends because of what it was given, and a retry would end the same way."""

from __future__ import annotations


class RunRejected(Exception):  # noqa: N818 - a verdict on the input, not an error of the program
    """The run refuses its input.

    `reason` is CamelCase and stable; `message` is a sentence for the person who owns the input.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


class DataRejected(RunRejected):
    """The data is unfit: the message names the column and, where there is one, the row."""


class SpecRejected(RunRejected):
    """The wish is unfit: an unknown hyperparameter, a contract that contradicts itself."""
