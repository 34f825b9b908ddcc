"""What Argo CD says of statuses that the operator's core makes, and whether the actions it offers are heeded."""

from __future__ import annotations

from typing import Any

import pytest
from churn_operator.core.verbs import Verb

from tests.unit.core.world import World
from tests.unit.gitops.argocd import Argo
from tests.unit.gitops.phases import PHASES, as_object, made

pytestmark = pytest.mark.unit

VERBS = sorted(verb.value for verb in Verb)


@pytest.mark.parametrize("phase", PHASES)
def test_health_of_what_the_operator_writes(phase: str) -> None:
    _, expected, _ = PHASES[phase]
    health = Argo().health(as_object(made(phase)))
    assert health["status"] == expected, health
    assert len(health["message"]) > 20


@pytest.mark.parametrize("phase", PHASES)
def test_an_action_is_offered_if_and_only_if_the_operator_would_heed_it(phase: str) -> None:
    offered = Argo().enabled(as_object(made(phase)))
    for verb in VERBS:
        model = made(phase)
        heeded = _heeded(model, verb)
        assert (verb in offered) == heeded, (verb, offered)


def _heeded(model: World, verb: str) -> bool:
    events = len(model.events)
    patched = Argo().act(verb, as_object(model))
    model.annotations = patched["metadata"]["annotations"]
    model.reconcile()
    ignored = any(event.reason == "AnnotationIgnored" for event in model.events[events:])
    return verb in model.model.consumed and not ignored


@pytest.mark.parametrize("phase", PHASES)
def test_a_rollback_brings_back_the_version_before_and_unpin_ends_it(phase: str) -> None:
    model = made(phase)
    if "rollback" not in Argo().enabled(as_object(model)):
        return
    before = model.model.rollout.stable
    pinned = Argo().act("rollback", as_object(model))["spec"]["rollbackTo"]
    model.change(rollback_to=pinned)
    model.settle()
    assert model.model.rollout.stable == pinned != before
    assert Argo().health(as_object(model))["status"] == "Healthy"
    assert Argo().enabled(as_object(model)) == {"unpin"}
    assert "rollbackTo" not in Argo().act("unpin", as_object(model))["spec"]


def test_some_phases_offer_a_rollback() -> None:
    offering = {phase for phase in PHASES if "rollback" in Argo().enabled(as_object(made(phase)))}
    assert offering == {"promoted"}


@pytest.mark.parametrize("verb", VERBS)
def test_an_action_changes_its_annotation_and_nothing_else(verb: str) -> None:
    model: dict[str, Any] = as_object(made("canary"))
    model["metadata"]["annotations"] = {"team": "retention", f"churnops.dev/{verb}": "earlier"}
    argo = Argo()
    after = argo.act(verb, model)
    assert after["metadata"]["annotations"] == {"team": "retention", f"churnops.dev/{verb}": "2026-03-01T12:00:00Z"}
    after["metadata"]["annotations"] = model["metadata"]["annotations"]
    assert after == model
    assert argo.dates == ["!%Y-%m-%dT%XZ"]
