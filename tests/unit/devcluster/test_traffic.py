"""What the demo's application counts in a window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from churn_devcluster.demo.traffic import VERSION_HEADER, Traffic


class Client:
    """Answers by version 2; `meanwhile` happens while a request is under way."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self._meanwhile = meanwhile

    def post(self, url: str, json: Any) -> httpx.Response:
        self._meanwhile()
        return httpx.Response(200, headers={VERSION_HEADER: "2"})


def test_a_request_that_began_before_a_window_is_not_counted_in_it() -> None:
    traffic = Traffic("http://nowhere", [])
    traffic._ask(Client(traffic.window), {})  # type: ignore[arg-type]
    assert (traffic.seen(), traffic.total.versions["2"]) == (0, 1)
    traffic._ask(Client(lambda: None), {})  # type: ignore[arg-type]
    assert (traffic.window().versions["2"], traffic.total.versions["2"]) == (1, 2)
