"""Drafts in the middle of a rollout, for tests of what holds it and what turns it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from churn_operator.api.reading import read_spec, read_status, write_status
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus
from churn_operator.api.v1alpha1.status import RolloutStatus, StepStatus, Version, VersionState
from churn_operator.core.analysis import Histogram, Measurement, Traffic, TrafficSample, Unavailable, VersionSample
from churn_operator.core.draft import Draft
from churn_operator.core.observation import NOT_ASKED, HookAnswer, Known, Observation, Seen, Subject
from churn_operator.core.questions import questions

from tests.unit.core.world import INSTALLATION, KEY

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""When the candidate's first step began."""


def minutes(count: float) -> datetime:
    """So many minutes after the step began."""
    return BEGAN + timedelta(minutes=count)


def version(number: int, state: VersionState) -> Version:
    return Version(
        number=number,
        key=f"{number}" * 64,
        state=state,
        model_uri=f"s3://mlops/{number}/model",
        output_uri=f"s3://mlops/{number}",
        sha256="a" * 64,
        dataset_digest="d",
        run_id="r",
        created=BEGAN,
    )


def rollout_status(**changes: Any) -> ChurnModelStatus:
    """Version 2 has had 10 % beside version 1 since BEGAN."""
    rollout = RolloutStatus(
        stable=1,
        candidate=2,
        step=0,
        weight=10,
        started=BEGAN,
        step_requested=BEGAN,
        step_started=BEGAN,
        steps=(StepStatus(step=0, weight=10, started=BEGAN),),
    )
    return ChurnModelStatus(
        versions=(version(1, VersionState.STABLE), version(2, VersionState.CANDIDATE)),
        latest_version=2,
        rollout=rollout.model_copy(update=changes),
    )


def spec_of(**rollout: Any) -> ChurnModelSpec:
    """A spec with this rollout, as YAML has it."""
    return read_spec({"dataset": {"uri": "s3://data/c.csv"}, "rollout": rollout})


def draft_of(
    spec: ChurnModelSpec,
    status: ChurnModelStatus,
    now: datetime,
    traffic: Seen[Traffic] = NOT_ASKED,
    measurements: Mapping[str, Measurement | Unavailable] | None = None,
    hooks: Seen[Mapping[str, HookAnswer]] = NOT_ASKED,
) -> Draft:
    """The draft of a pass that saw this; what it would not have asked, it has not seen."""
    status = read_status(write_status(status))
    subject = Subject(
        key=KEY,
        uid="u",
        generation=1,
        resource_version="1",
        finalized=True,
        deletion_requested=None,
        spec=spec,
        status=status,
    )
    asked = questions(subject, INSTALLATION, now)
    observation = Observation(
        now=now,
        subject=subject,
        installation=INSTALLATION,
        traffic=traffic if asked.look is not None else NOT_ASKED,
        measurements=(measurements or {}) if asked.look is not None else {},
        hooks=hooks if asked.hooks is not None else NOT_ASKED,
    )
    return Draft(observation=observation, status=status, spec=spec, fingerprint="f")


def sample(requests: float = 2000, errors: float = 0, stable_errors: float = 0) -> TrafficSample:
    """One window in which the candidate had a tenth of the requests."""
    same = Histogram((0.1, float("inf")), (1.0, 0.0))
    return TrafficSample(
        stable=VersionSample(requests * 9, stable_errors, same.scaled(requests * 9), same.scaled(requests * 9)),
        candidate=VersionSample(requests, errors, same.scaled(requests), same.scaled(requests)),
    )


def healthy() -> Known[Traffic]:
    return Known((sample(),))


def failing() -> Known[Traffic]:
    """Every tenth answer of the candidate is an error."""
    return Known((sample(errors=200),))


def quiet() -> Known[Traffic]:
    """Hardly any requests."""
    return Known((sample(requests=3),))
