"""Each refusal of the API server is a sentence with an exit code."""

from __future__ import annotations

import json

import pytest
import requests
from churnctl.cluster.connection import refusal
from churnctl.errors import ExitCode

pytestmark = pytest.mark.unit


def answer(code: int, content: str) -> requests.Response:
    made = requests.Response()
    made.status_code, made.reason, made._content = code, "Reason", content.encode()
    return made


@pytest.mark.parametrize(
    ("code", "message", "exit_code", "said"),
    [
        (401, "Unauthorized", ExitCode.FORBIDDEN, "does not know you: log in again"),
        (403, 'x is forbidden: User "a" cannot get resource "secrets" in API group "" in the namespace "t"',
         ExitCode.FORBIDDEN, 'User "a" may not get secrets in namespace "t".'),
        (404, 'churnmodels.churnops.dev "x" not found', ExitCode.NOT_FOUND, "not found."),
        (404, "the server could not find the requested resource", ExitCode.NOT_FOUND, "is not installed"),
        (409, "the object has been modified", ExitCode.FAILED, "has been modified"),
        (422, 'ChurnModel "x" is invalid: spec.rollbackTo: Invalid value: 0', ExitCode.FAILED, "is invalid"),
        (503, "etcd is away", ExitCode.UNREACHABLE, "cannot answer now (503): etcd is away"),
    ],
)  # fmt: skip
def test_a_status_object(code: int, message: str, exit_code: ExitCode, said: str) -> None:
    error = refusal(answer(code, json.dumps({"kind": "Status", "message": message})), "https://cluster")
    assert said in str(error)
    assert error.exit_code == exit_code


def test_what_is_no_json() -> None:
    assert "is not installed in https://cluster" in str(refusal(answer(404, "404 page not found\n"), "https://cluster"))
    assert "cannot answer now (502): Reason" in str(refusal(answer(502, ""), "https://cluster"))
