"""How the API says no: an HTTP status and the gRPC code that belongs to it."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus


class Refusal(Enum):
    """gRPC code and HTTP status, as grpc-gateway pairs them."""

    INVALID = 3, HTTPStatus.BAD_REQUEST
    NOT_FOUND = 5, HTTPStatus.NOT_FOUND
    EXISTS = 6, HTTPStatus.CONFLICT
    INTERNAL = 13, HTTPStatus.INTERNAL_SERVER_ERROR


class RequestError(Exception):
    """A request is answered with an error."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.code, self.status = refusal.value
        self.message = message
