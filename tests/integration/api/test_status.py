"""A status survives the API server, and its lists merge by their keys."""

from __future__ import annotations

import pytest
from churn_operator.api.conditions import ConditionType, Finding, dated
from churn_operator.api.reading import read_status, write_status
from churn_operator.api.v1alpha1 import ChurnModelStatus, ConditionStatus

from tests.integration.api.conftest import ChurnModels, refused
from tests.integration.api.specs import MINIMAL
from tests.unit.api.statuses import FULL, NOON

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("status", [FULL, ChurnModelStatus()], ids=["full", "first"])
def test_a_status_is_stored_as_written_and_read_back_equal(churnmodels: ChurnModels, status: ChurnModelStatus) -> None:
    churnmodels.apply(MINIMAL)
    written = write_status(status)
    stored = churnmodels.apply_status(written)["status"]
    assert stored == written
    assert read_status(stored) == status


def test_writing_the_same_status_again_changes_nothing(churnmodels: ChurnModels) -> None:
    churnmodels.apply(MINIMAL)
    first = churnmodels.apply_status(write_status(FULL))
    again = churnmodels.apply_status(write_status(read_status(first["status"])))
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_a_status_moves_neither_spec_nor_generation(churnmodels: ChurnModels) -> None:
    before = churnmodels.apply(MINIMAL)
    after = churnmodels.apply_status(write_status(FULL))
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_apply_of_a_spec_keeps_the_status(churnmodels: ChurnModels) -> None:
    churnmodels.apply(MINIMAL)
    churnmodels.apply_status(write_status(FULL))
    after = churnmodels.apply({**MINIMAL, "suspend": True})
    assert read_status(after["status"]) == FULL


def test_conditions_of_two_writers_stand_side_by_side(churnmodels: ChurnModels) -> None:
    churnmodels.apply(MINIMAL)
    for kind in (ConditionType.READY, ConditionType.DRIFT_DETECTED):
        finding = Finding(kind, ConditionStatus.FALSE, "Observed", "It was seen.")
        condition = dated(finding, None, generation=1, now=NOON).model_dump(mode="json", by_alias=True)
        stored = churnmodels.apply_status({"conditions": [condition]}, manager=kind.value)
    assert [condition["type"] for condition in stored["status"]["conditions"]] == ["Ready", "DriftDetected"]


@pytest.mark.parametrize(("name", "key"), [("conditions", "type"), ("versions", "number")])
def test_two_entries_with_the_same_key_are_refused(churnmodels: ChurnModels, name: str, key: str) -> None:
    churnmodels.apply(MINIMAL)
    status = write_status(FULL)
    with refused() as said:
        churnmodels.apply_status({**status, name: [*status[name], status[name][0]]})
    assert f"status.{name}" in said[0]
    assert f"duplicate entries for key [{key}=" in said[0]
