"""The settings of the Lease, as an environment has them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from churn_operator.core.lease import LeaseTimes
from churn_operator.settings import Settings


def test_an_operator_runs_alone_unless_told_otherwise() -> None:
    assert not Settings.from_environment({}).leader_election


def test_the_times_are_those_of_client_go() -> None:
    assert Settings().lease_times == LeaseTimes(timedelta(seconds=15), timedelta(seconds=10), timedelta(seconds=2))


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("True", True), ("1", True), ("false", False), ("0", False)]
)
def test_yes_and_no_are_read(text: str, value: bool) -> None:
    environment = {"CHURN_LEADER_ELECTION": text, "CHURN_LEASE_NAMESPACE": "churn-system"}
    assert Settings.from_environment(environment).leader_election is value


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"CHURN_LEADER_ELECTION": "perhaps"}, "CHURN_LEADER_ELECTION='perhaps' is not a bool"),
        ({"CHURN_LEADER_ELECTION": "true"}, "needs CHURN_LEASE_NAMESPACE"),
        ({"CHURN_LEASE_RENEW_SECONDS": "20"}, "and are 2, 20 and 15"),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Settings.from_environment(environment)
