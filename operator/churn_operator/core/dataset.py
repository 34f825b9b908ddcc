"""Adopting data: from the digest that is seen to the training key that is wished for."""

from __future__ import annotations

from datetime import timedelta

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, ConditionStatus, seconds_of
from churn_operator.api.v1alpha1.status import DatasetStatus, TrainingState
from churn_operator.core.draft import Draft
from churn_operator.core.observation import Known, Unknown
from churn_operator.core.training import training_key

MISSING_DATASET = timedelta(seconds=30)
UNDER_WAY = (TrainingState.PENDING, TrainingState.RUNNING, TrainingState.BACKING_OFF, TrainingState.CANCELLING)


def must_adopt(fingerprint: str, status: ChurnModelStatus) -> bool:
    """Whether data has to be adopted before anything can be trained for a spec of this fingerprint."""
    return status.dataset is None or status.dataset.fingerprint != fingerprint


def may_adopt(spec: ChurnModelSpec, status: ChurnModelStatus) -> bool:
    """Whether changed data would be adopted: only when asked for and nothing is under way, since data that
    changes often would else keep every rollout from ever ending."""
    training_under_way = status.training is not None and status.training.state in UNDER_WAY
    return spec.triggers.dataset_change.enabled and not training_under_way and status.rollout.candidate is None


def consider_dataset(draft: Draft) -> Draft:
    """Adopt the data that is there, if this is the time to."""
    spec, status = draft.spec, draft.status
    required = must_adopt(draft.fingerprint, status)
    if not required and status.dataset is not None:
        draft = _adopted(draft, status.dataset.digest)
    optional = may_adopt(spec, status)
    if spec.rollback_to is not None or not (required or optional):
        return draft
    if optional:
        draft = draft.look_again(seconds_of(spec.triggers.dataset_change.poll_interval))
    match draft.observation.dataset:
        case Unknown() as unknown:
            return draft.unseen(ConditionType.DATASET_READY, unknown)
        case Known(value=None):
            return _missing(draft, required)
        case Known(value=str() as digest):
            return _adopt(draft, digest, required)
        case _:
            raise AssertionError("a digest is a string")


def _adopted(draft: Draft, digest: str) -> Draft:
    message = f"{draft.spec.dataset.uri} with digest {digest[:12]}"
    return draft.find(ConditionType.DATASET_READY, ConditionStatus.TRUE, "DatasetAdopted", message)


def _missing(draft: Draft, required: bool) -> Draft:
    message = f"there is no object at {draft.spec.dataset.uri}: upload the dataset or correct spec.dataset.uri"
    draft = draft.find(ConditionType.DATASET_READY, ConditionStatus.FALSE, "DatasetNotFound", message)
    draft = draft.look_again(MISSING_DATASET)
    return draft.hindered("DatasetNotFound", message) if required else draft


def _adopt(draft: Draft, digest: str, required: bool) -> Draft:
    before = draft.status.dataset
    if not required and before is not None and before.digest == digest:
        return draft
    key = draft.observation.subject.key
    wished = training_key(key, draft.fingerprint, digest, draft.observation.installation.code_version)
    adopted = DatasetStatus(digest=digest, adopted=draft.now, fingerprint=draft.fingerprint, key=wished)
    draft = _adopted(draft.with_status(dataset=adopted), digest)
    if before is not None and before.digest == digest:
        return draft
    return draft.tell("DatasetAdopted", f"{draft.spec.dataset.uri} with digest {digest[:12]}")
