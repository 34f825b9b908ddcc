"""`make demo` as a script sees it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TELCO = Path(__file__).parents[4] / "shared" / "data" / "telco-customer-churn.csv"
FLOOR_ON_REAL_CUSTOMERS = 0.83
FLOOR_ON_MADE_CUSTOMERS = 0.80


@pytest.fixture(scope="module")
def milestones(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The JSON lines of one demo, on real customers where they are there."""
    data = ["--data", str(TELCO)] if TELCO.exists() else []
    work_dir = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "churn_devcluster", "demo", "--json", "--work-dir", str(work_dir), *data]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr
    processes = subprocess.run(["pgrep", "-f", str(work_dir)], check=False, capture_output=True, text=True)
    assert processes.stdout == "", "the demo left processes behind"
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(milestones: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [one for one in milestones if one["milestone"] == name]


def test_the_first_thing_told_is_where_to_watch(milestones: list[dict[str, Any]]) -> None:
    first = milestones[0]
    assert first["milestone"] == "webApp"
    assert first["url"].startswith("http://127.0.0.1:")
    assert first["editorToken"] != first["viewerToken"]


def test_the_first_version_ranks_customers_well(milestones: list[dict[str, Any]]) -> None:
    floor = FLOOR_ON_REAL_CUSTOMERS if TELCO.exists() else FLOOR_ON_MADE_CUSTOMERS
    first = told(milestones, "trained")[0]
    assert first["version"] == 1
    assert first["rocAuc"] >= floor
    assert all(first["gate"].values())


@pytest.mark.parametrize("weight", [10, 50, 100])
def test_each_step_gives_the_candidate_its_share_of_the_answers(milestones: list[dict[str, Any]], weight: int) -> None:
    (step,) = [one for one in told(milestones, "shifted") if one["weight"] == weight]
    assert step["requests"] >= 400
    share = weight / 100
    # Each request draws its version by lot: on a busy machine there are too few of them for five points.
    deviation = math.sqrt(share * (1 - share) / step["requests"])
    assert abs(step["share"] - share) <= max(0.05, 4 * deviation)


def test_the_version_that_fails_its_gate_gets_no_request(milestones: list[dict[str, Any]]) -> None:
    (refused,) = told(milestones, "refused")
    assert refused["version"] == 3
    assert "below its minimum" in refused["reason"]
    assert set(refused["answers"]) == {"2"}


def test_rollback_to_brings_version_1_back(milestones: list[dict[str, Any]]) -> None:
    (back,) = told(milestones, "rolledBack")
    assert set(back["answers"]) == {"1"}
    assert told(milestones, "finished")[0]["stable"] == 1


def test_no_request_fails_all_along(milestones: list[dict[str, Any]]) -> None:
    (finished,) = told(milestones, "finished")
    assert finished["failed"] == 0
    assert finished["requests"] > 1000


def test_without_traffic_a_rollout_holds_and_says_so(milestones: list[dict[str, Any]]) -> None:
    (held,) = told(milestones, "held")
    assert held["version"] == 2
    assert "nothing speaks against version 2" in held["reason"]
    assert "are needed" in held["reason"]


def test_live_traffic_promotes_a_healthy_version(milestones: list[dict[str, Any]]) -> None:
    (promoted,) = told(milestones, "promotedByAnalysis")
    assert promoted["version"] == 2


@pytest.mark.parametrize("check", ["errorRatio", "latencyQuantile", "scoreShift"])
def test_live_traffic_takes_a_bad_version_back_at_its_first_step(milestones: list[dict[str, Any]], check: str) -> None:
    (taken_back,) = [one for one in told(milestones, "rolledBackByAnalysis") if one["check"] == check]
    assert taken_back["weight"] == 10
    assert f"{check}: " in taken_back["reason"]
    assert set(taken_back["failed"]) <= {str(taken_back["version"])}
