"""The user's own pipeline: which content of its package trains, and what keeps it from being run."""

from __future__ import annotations

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, ConditionStatus, seconds_of
from churn_operator.api.v1alpha1.status import PipelineStatus
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.observation import Known, PipelinePackage, Unknown, UnreadablePackage
from churn_operator.core.pipeline_contract import left_out, unsuitable
from churn_operator.core.watching import LOOK_FOR_MISSING, held_up, nothing_under_way


def must_look(spec: ChurnModelSpec, fingerprint: str, status: ChurnModelStatus) -> bool:
    """Whether the package has to be looked at before anything can be trained for a spec of this fingerprint."""
    if spec.training.pipeline is None:
        return False
    return status.pipeline is None or status.pipeline.fingerprint != fingerprint


def may_look(spec: ChurnModelSpec, status: ChurnModelStatus) -> bool:
    """Whether a package that changed would be taken up."""
    return spec.training.pipeline is not None and nothing_under_way(status)


def consider_pipeline(draft: Draft) -> Draft:
    """Take up the package that is there, if this is the time to, and say whether it can be run."""
    spec, before = draft.spec, draft.status.pipeline
    if spec.training.pipeline is None:
        return _forget(draft)
    required = must_look(spec, draft.fingerprint, draft.status)
    if not required and before is not None:
        draft = _judge(draft, before)
    if spec.rollback_to is not None or not (required or may_look(spec, draft.status)):
        return draft
    draft = draft.look_again(seconds_of(spec.triggers.dataset_change.poll_interval))
    match draft.observation.package:
        case Unknown() as unknown:
            draft = draft.unseen(ConditionType.PIPELINE_READY, unknown)
            if not required or not unknown.message:
                return draft
            return held_up(draft, unknown, _uri(draft), ConditionType.PIPELINE_READY)
        case Known(value=None):
            hint = "upload the compiled package, or correct spec.training.pipeline.uri"
            return _refuse(draft, "PipelineNotFound", f"there is no object at {_uri(draft)}: {hint}")
        case Known(value=UnreadablePackage(message)):
            return _refuse(draft, "PipelineUnreadable", f"{_uri(draft)} {message}")
        case Known(value=PipelinePackage() as package):
            return _take(draft, package)
        case _:
            raise AssertionError("a package or nothing is seen")


def is_ready(draft: Draft) -> bool:
    """Whether this pass found a package that can be run; always so for the built-in pipeline."""
    if draft.spec.training.pipeline is None:
        return True
    found = (finding for finding in draft.findings if finding.type is ConditionType.PIPELINE_READY)
    return any(finding.status is ConditionStatus.TRUE for finding in found)


def look_anew(draft: Draft) -> Draft:
    """The package is not any more what the training key was made with: the next pass begins with looking at it."""
    return draft.with_status(pipeline=None).look_again(AT_ONCE)


def _forget(draft: Draft) -> Draft:
    """Nothing is left to be said of a pipeline that spec does not name any more."""
    kind = ConditionType.PIPELINE_READY
    if draft.status.pipeline is None and draft.status.condition(kind) is None:
        return draft
    others = tuple(condition for condition in draft.status.conditions if condition.type != kind)
    return draft.with_status(pipeline=None, conditions=others)


def _take(draft: Draft, package: PipelinePackage) -> Draft:
    fault = unsuitable(package)
    if fault is not None:
        return _refuse(draft, "PipelineUnsuitable", f"{_uri(draft)} {fault}")
    before = draft.status.pipeline
    if before is not None and (before.digest, before.fingerprint) == (package.digest, draft.fingerprint):
        return draft
    taken = PipelineStatus(
        digest=package.digest,
        fingerprint=draft.fingerprint,
        inputs=tuple(one.name for one in package.inputs),
        steps=package.steps,
        adopted=draft.now,
    )
    draft = _judge(draft.with_status(pipeline=taken), taken)
    if before is not None and before.digest == package.digest:
        return draft
    return draft.tell("PipelineAdopted", _named(draft, taken))


def _judge(draft: Draft, pipeline: PipelineStatus) -> Draft:
    """Whether this package can be run for what the rest of spec asks."""
    ignored = left_out(draft.spec, pipeline)
    if ignored is not None:
        return _refuse(draft, "PipelineUnsuitable", ignored)
    message = _named(draft, pipeline)
    return draft.find(ConditionType.PIPELINE_READY, ConditionStatus.TRUE, "PipelineAdopted", message)


def _refuse(draft: Draft, reason: str, message: str) -> Draft:
    """Nothing is trained until the object or spec changes; what serves goes on serving."""
    draft = draft.find(ConditionType.PIPELINE_READY, ConditionStatus.FALSE, reason, message)
    return draft.hindered(reason, message).look_again(LOOK_FOR_MISSING)


def _named(draft: Draft, pipeline: PipelineStatus) -> str:
    return f"{_uri(draft)} with digest {pipeline.digest[:12]}"


def _uri(draft: Draft) -> str:
    pipeline = draft.spec.training.pipeline
    return pipeline.uri if pipeline is not None else ""
