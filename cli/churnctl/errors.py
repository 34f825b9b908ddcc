"""What can go wrong, as sentences, and the exit code of each."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes; they stand in `kubectl churn --help`."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    FORBIDDEN = 4
    UNREACHABLE = 5
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.OK: "done; for lint: nothing to correct",
    ExitCode.FAILED: "not done, and the message says why: refused, ignored by the operator, or mistakes found",
    ExitCode.USAGE: "wrong options or arguments, or a file that cannot be read",
    ExitCode.NOT_FOUND: "no such ChurnModel, version or context, or ChurnModel is not installed",
    ExitCode.FORBIDDEN: "you are not logged in, or may not do that",
    ExitCode.UNREACHABLE: "no answer in time from the cluster, the model or the operator",
    ExitCode.INTERRUPTED: "interrupted by Ctrl-C",
}


class ChurnctlError(Exception):
    """Something could not be done; the message is a sentence for a person.

    Attributes:
        exit_code: what the process ends with.
    """

    exit_code = ExitCode.FAILED


class InputError(ChurnctlError):
    """A file or value that was handed over cannot be read or used."""

    exit_code = ExitCode.USAGE


class NotFoundError(ChurnctlError):
    """What was named is not there."""

    exit_code = ExitCode.NOT_FOUND


class ForbiddenError(ChurnctlError):
    """The person is not known, or may not do that."""

    exit_code = ExitCode.FORBIDDEN


class UnreachableError(ChurnctlError):
    """No answer in time."""

    exit_code = ExitCode.UNREACHABLE


class ReaderGoneError(Exception):
    """Nobody reads stdout any more, as with `| head`. Not a BrokenPipeError, of which click makes exit code 1."""


class ConflictError(ChurnctlError):
    """The object was changed by somebody else in between."""
