"""Adopting data: from the digest that is seen to the training key that is wished for."""

from __future__ import annotations

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, ConditionStatus, seconds_of
from churn_operator.api.v1alpha1.status import DatasetStatus
from churn_operator.core.draft import Draft
from churn_operator.core.fingerprint import fingerprint_for_key
from churn_operator.core.observation import Known, Unknown
from churn_operator.core.own_pipeline import is_ready
from churn_operator.core.training import training_key
from churn_operator.core.watching import LOOK_FOR_MISSING, held_up, nothing_under_way


def must_adopt(spec: ChurnModelSpec, fingerprint: str, status: ChurnModelStatus) -> bool:
    """Whether data has to be adopted before anything can be trained for a spec of this fingerprint, or for the content
    of its own pipeline."""
    if status.dataset is None or status.dataset.fingerprint != fingerprint:
        return True
    pipeline = status.pipeline
    return spec.training.pipeline is not None and (pipeline is None or pipeline.digest != status.dataset.pipeline)


def may_adopt(spec: ChurnModelSpec, status: ChurnModelStatus) -> bool:
    """Whether changed data would be adopted: only when asked for and nothing is under way."""
    return spec.triggers.dataset_change.enabled and nothing_under_way(status)


def consider_dataset(draft: Draft) -> Draft:
    """Adopt the data that is there, if this is the time to."""
    spec, status = draft.spec, draft.status
    required = must_adopt(spec, draft.fingerprint, status)
    if not required and status.dataset is not None:
        draft = _adopted(draft, status.dataset.digest)
    optional = may_adopt(spec, status)
    if spec.rollback_to is not None or not (required or optional):
        return draft
    if optional:
        draft = draft.look_again(seconds_of(spec.triggers.dataset_change.poll_interval))
    match draft.observation.dataset:
        case Unknown() as unknown:
            draft = draft.unseen(ConditionType.DATASET_READY, unknown)
            if not required or not unknown.message:
                return draft
            return held_up(draft, unknown, spec.dataset.uri, ConditionType.DATASET_READY)
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
    draft = draft.look_again(LOOK_FOR_MISSING)
    return draft.hindered("DatasetNotFound", message) if required else draft


def _adopt(draft: Draft, digest: str, required: bool) -> Draft:
    before = draft.status.dataset
    if not required and before is not None and before.digest == digest:
        return draft
    if not is_ready(draft):
        return draft
    own = draft.status.pipeline.digest if draft.status.pipeline else None
    wished = training_key(
        draft.observation.subject.key,
        fingerprint_for_key(draft.spec),
        digest,
        own or draft.observation.installation.code_version,
    )
    adopted = DatasetStatus(digest=digest, adopted=draft.now, fingerprint=draft.fingerprint, pipeline=own, key=wished)
    draft = _adopted(draft.with_status(dataset=adopted), digest)
    if before is not None and before.digest == digest:
        return draft
    return draft.tell("DatasetAdopted", f"{draft.spec.dataset.uri} with digest {digest[:12]}")
