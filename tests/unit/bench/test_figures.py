"""A figure says honestly whether its target is met, and the audit log is counted right."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from bench.figures import Figure, table
from bench.operator.audit import requests_of, tally

pytestmark = pytest.mark.unit

BEGIN = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "bound", "target", "met"),
    [
        (0.5, "at least", 0.5, True),
        (0.49, "at least", 0.5, False),
        (4.9, "below", 5, True),
        (5, "below", 5, False),
        (5, "at most", 5, True),
        (5.1, "at most", 5, False),
        (0, "exactly", 0, True),
        (1, "exactly", 0, False),
        (7, "", None, True),
    ],
)
def test_a_target_is_met_or_not(
    value: float, bound: Literal["at least", "at most", "below", "exactly", ""], target: float | None, met: bool
) -> None:
    figure = Figure("row", value, "", bound, target)
    assert figure.met is met
    assert ("NOT MET" in table([figure])) is not met


def line(user: str, verb: str, seconds: int, stage: str = "ResponseComplete", subresource: str = "") -> str:
    event: dict[str, Any] = {
        "verb": verb,
        "stage": stage,
        "user": {"username": user},
        "objectRef": {"resource": "churnmodels", "subresource": subresource},
        "responseStatus": {"code": 200},
        "stageTimestamp": (BEGIN + timedelta(seconds=seconds)).isoformat(),
        "requestURI": "/",
    }
    return json.dumps(event, separators=(",", ":")) + "\n"


def test_requests_of_one_user_in_a_window_are_counted_each_once(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(
        line("operator", "update", 1, subresource="status")
        + line("operator", "watch", 2, stage="ResponseStarted")
        + line("operator", "watch", 3)
        + line("somebody", "update", 2)
        + line("operator", "get", 9)
    )
    (tmp_path / "audit-2026-11-24T11-00-00.000.log").write_text(
        line("operator", "list", -5) + line("operator", "list", 0)
    )
    found = requests_of(log, "operator", BEGIN, BEGIN + timedelta(seconds=5))
    assert tally(found) == "1 list churnmodels, 1 update churnmodels/status, 1 watch churnmodels"
    assert [request.writes for request in found] == [False, True, False]
