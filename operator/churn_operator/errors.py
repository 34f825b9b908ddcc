"""One tree of errors, classified where they happen.

AdapterError            anything the outside world answered, or did not
  Transient             nobody knows; the same call may succeed later (time-outs, 5xx, connection refused)
  Rejected              it was understood and refused; the same call fails again (4xx)
    Unreadable          it was answered with something that cannot be read; nor will it be next time
  NotFound              what was named does not exist
  Conflict              it exists already, or changed since it was read
    Changed             what was to be used is not any more what was decided on
"""

from __future__ import annotations

from datetime import timedelta


class AdapterError(Exception):
    """What an adapter raises: `source` names the part of the world, e.g. `KFP` or `S3`."""

    def __init__(self, source: str, message: str) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source
        self.message = message


class Transient(AdapterError):  # noqa: N818 - the tree reads as a classification
    """The same call may succeed later; `retry_after` is the server's own wish, if it had one."""

    def __init__(self, source: str, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(source, message)
        self.retry_after = retry_after


class Rejected(AdapterError):  # noqa: N818
    """The call was understood and refused."""


class Unreadable(Rejected):
    """What was answered cannot be read."""


class NotFound(AdapterError):  # noqa: N818
    """What was named does not exist."""


class Conflict(AdapterError):  # noqa: N818
    """It exists already, or changed since it was read."""


class Changed(Conflict):
    """What was to be used is not any more what was decided on: look at it again."""
