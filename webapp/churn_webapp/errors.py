"""Everything that can go wrong, each with its HTTP status and a sentence for the person who asked.

WebappError
├── InvalidRequest 400
│   └── InvalidCustomer 400    names the customer and the field
├── LoginNeeded 401
├── Forbidden 403
├── NotFound 404
├── Conflict 409
├── TooLarge 413
└── Unavailable 503            something behind the app does not answer
"""

from __future__ import annotations

from http import HTTPStatus


class WebappError(Exception):
    """The sentence is for people: it says what happened and what to change."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title = "Something went wrong here"

    @property
    def sentence(self) -> str:
        """What to tell."""
        return str(self)


class InvalidRequest(WebappError):  # noqa: N818
    """What was sent cannot be read."""

    status = HTTPStatus.BAD_REQUEST
    title = "That cannot be read"


class InvalidCustomer(InvalidRequest):
    """One customer has a value that is none. `what` is the sentence without its subject; `index` counts customers from
    0, and is None where there is only one."""

    title = "A customer cannot be read"

    def __init__(self, what: str, index: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.index = index

    @property
    def sentence(self) -> str:
        """What to tell."""
        return (
            f"{self.what[:1].upper()}{self.what[1:]}"
            if self.index is None
            else f"Customer {self.index + 1}, {self.what}"
        )


class LoginNeeded(WebappError):  # noqa: N818
    """Nobody is logged in, or the token is refused."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Please log in"


class Forbidden(WebappError):  # noqa: N818
    """Kubernetes does not let this person do it."""

    status = HTTPStatus.FORBIDDEN
    title = "You may not do that"


class NotFound(WebappError):  # noqa: N818
    """There is no such thing."""

    status = HTTPStatus.NOT_FOUND
    title = "There is nothing here"


class Conflict(WebappError):  # noqa: N818
    """Things have changed since the person looked."""

    status = HTTPStatus.CONFLICT
    title = "Things have changed"


class TooLarge(WebappError):  # noqa: N818
    """More was sent than is taken at once."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    title = "That is too large"


class Unavailable(WebappError):  # noqa: N818
    """API server, object store or model does not answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Not available right now"
