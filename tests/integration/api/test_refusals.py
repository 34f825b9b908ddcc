"""A mistake is refused at apply, with a sentence that names the field and says what to change."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.api.conftest import ChurnModels, refused
from tests.integration.api.refused import BAD, Bad
from tests.integration.api.specs import MINIMAL, changed

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.mistake)
def test_a_mistake_is_answered_with_what_to_change(churnmodels: ChurnModels, bad: Bad) -> None:
    with refused() as said:
        churnmodels.create(changed(bad.spec), dry_run=True)
    for fragment in bad.said:
        assert fragment in said[0]
    assert "evaluating rule" not in said[0], "a rule broke on the input instead of judging it"


def test_every_mistake_of_the_table_is_another() -> None:
    assert len({bad.mistake for bad in BAD}) == len(BAD) == len({bad.spec for bad in BAD})


@pytest.mark.parametrize(
    ("spec", "missing"),
    [({}, "spec.dataset: Required value"), ({"dataset": {}}, "spec.dataset.uri: Required value")],
)
def test_a_dataset_is_needed(churnmodels: ChurnModels, spec: dict[str, Any], missing: str) -> None:
    with refused() as said:
        churnmodels.create(spec)
    assert missing in said[0]


@pytest.mark.parametrize(
    ("name", "fragment"),
    [
        ("customer-churn-model-of-the-retention-team", "at most 40 characters"),
        ("churn.v2", "without dots"),
        ("Churn", "lowercase"),
    ],
)
def test_a_name_that_revisions_cannot_carry_is_refused(churnmodels: ChurnModels, name: str, fragment: str) -> None:
    with refused() as said:
        churnmodels.create(MINIMAL, name)
    assert fragment in said[0]


@pytest.mark.parametrize("later", ["serving: {trafficDriver: knative}", "serving: {trafficDriver: auto}", "{}"])
def test_the_traffic_driver_cannot_be_changed_later(churnmodels: ChurnModels, later: str) -> None:
    churnmodels.apply(changed("serving: {trafficDriver: gateway}"))
    with refused() as said:
        churnmodels.apply(changed(later))
    assert "serving.trafficDriver cannot be changed" in said[0]
    assert "put the old value back" in said[0]


def test_anything_else_may_change_while_the_driver_stays(churnmodels: ChurnModels) -> None:
    churnmodels.apply(changed("serving: {trafficDriver: gateway}"))
    after = churnmodels.apply(changed("{serving: {trafficDriver: gateway, maxReplicas: 3}, rollbackTo: 1}"))
    assert after["metadata"]["generation"] == 2
