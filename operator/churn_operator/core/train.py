"""Following a training from wish to report: submit, watch, cancel, retry with back-off."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from churn_report import Failure, Outcome, Report

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus, seconds_of
from churn_operator.api.v1alpha1.status import TrainingState, TrainingStatus, VersionState
from churn_operator.core import training as names
from churn_operator.core.actions import SubmitRun, TerminateRun
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.observation import Known, PipelinesTarget, Run, RunState, Unknown
from churn_operator.core.versions import record_version

REPORT_GRACE = timedelta(seconds=60)
"""How long a run that succeeded may lack its report: object stores answer late under load."""

_FOLLOWED = (TrainingState.PENDING, TrainingState.RUNNING, TrainingState.CANCELLING)


def consider_training(draft: Draft) -> Draft:
    """Bring the training that is wished for one step further."""
    under_way = draft.status.training
    wished = _wished_key(draft)
    if under_way is not None and under_way.state in _FOLLOWED and under_way.key != wished:
        return _cancel(draft, under_way)
    if wished is None:
        return draft
    if under_way is None or under_way.key != wished:
        return _request(draft, wished, attempt=1)
    match under_way.state:
        case TrainingState.PENDING | TrainingState.RUNNING:
            return _follow(draft, under_way)
        case TrainingState.CANCELLING:
            return _cancel(draft, under_way)
        case TrainingState.BACKING_OFF:
            return _back_off(draft, under_way)
        case TrainingState.SUCCEEDED:
            return _request(draft, wished, under_way.attempt + 1)
        case TrainingState.FAILED:
            return draft.blocked(under_way.reason or "TrainingFailed", under_way.last_error or "the training failed")
        case _:
            assert_never(under_way.state)


def _wished_key(draft: Draft) -> str | None:
    """The key to train for, or None where nothing has to be trained."""
    dataset, status = draft.status.dataset, draft.status
    if dataset is None or dataset.fingerprint != names.fingerprint(draft.spec):
        return None
    if draft.rejection(dataset.key) is not None:
        return None
    made = any(version.key == dataset.key for version in status.versions)
    pinned = draft.spec.rollback_to is not None
    already_started = status.training is not None and status.training.key == dataset.key
    return None if made or (pinned and not already_started) else dataset.key


def _request(draft: Draft, key: str, attempt: int) -> Draft:
    subject, installation = draft.observation.subject, draft.observation.installation
    dataset = draft.status.dataset
    if dataset is None:
        raise AssertionError("a key is wished for only after data was adopted")
    requested = TrainingStatus(
        key=key,
        dataset_digest=dataset.digest,
        attempt=attempt,
        state=TrainingState.PENDING,
        run_name=names.run_name(subject.key, key, attempt),
        output_uri=names.output_uri(installation, subject.key, key, attempt),
        requested=draft.now,
    )
    draft = draft.with_status(training=requested)
    draft = draft.find(
        ConditionType.TRAINED, ConditionStatus.FALSE, "TrainingRequested", f"run {requested.run_name} is to start"
    )
    draft = draft.busy("Training", f"training run {requested.run_name}")
    return draft.tell("TrainingRequested", f"attempt {attempt}: run {requested.run_name}").look_again(AT_ONCE)


def _follow(draft: Draft, training: TrainingStatus) -> Draft:
    draft = draft.busy("Training", f"training run {training.run_name}")
    match draft.observation.run:
        case Unknown() as unknown:
            return draft.unseen(ConditionType.TRAINED, unknown)
        case Known(value=None):
            return _submit(draft, training)
        case Known(value=Run() as run):
            return _observe_run(draft, _seen(training, run, draft), run)
        case _:
            raise AssertionError("a run or nothing is seen")


def _submit(draft: Draft, training: TrainingStatus) -> Draft:
    if training.state is TrainingState.RUNNING:
        return _attempt_failed(draft, training, "RunDeleted", f"run {training.run_name} was deleted from KFP")
    for fault in draft.observation.faults:
        if fault.action == SubmitRun.__name__:
            return _submission_failed(draft, training, fault.rejected, fault.message)
    subject, installation = draft.observation.subject, draft.observation.installation
    action = names.submission(draft.spec, installation, subject.key, training)
    return draft.act(action).look_again(AT_ONCE)


def _submission_failed(draft: Draft, training: TrainingStatus, rejected: bool, message: str) -> Draft:
    if rejected:
        return _give_up(draft, training, "RunRejected", f"KFP refused the run: {message}")
    return draft.unseen(ConditionType.TRAINED, Unknown("PipelinesUnavailable", message))


def _seen(training: TrainingStatus, run: Run, draft: Draft) -> TrainingStatus:
    return training.model_copy(
        update={
            "run_id": run.id,
            "run_url": run.url,
            "state": TrainingState.RUNNING,
            "started": training.started or draft.now,
            "finished": training.finished or (draft.now if run.state.terminal else None),
        }
    )


def _observe_run(draft: Draft, training: TrainingStatus, run: Run) -> Draft:
    if draft.status.training is not None and draft.status.training.run_id is None:
        draft = draft.tell("TrainingStarted", f"run {training.run_name} has id {run.id}")
    draft = draft.with_status(training=training)
    draft = draft.find(
        ConditionType.TRAINED, ConditionStatus.FALSE, "TrainingRunning", f"run {training.run_name} is under way"
    )
    match run.state:
        case RunState.PENDING | RunState.RUNNING:
            return _watch(draft, training, run)
        case RunState.SUCCEEDED:
            return _read_report(draft, training)
        case RunState.FAILED | RunState.CANCELED:
            return _read_failure(draft, training, run)
        case _:
            assert_never(run.state)


def _watch(draft: Draft, training: TrainingStatus, run: Run) -> Draft:
    draft = draft.look_again(draft.observation.installation.poll_interval)
    started = training.started or draft.now
    if draft.now - started < seconds_of(draft.spec.training.timeout):
        return draft
    late = training.model_copy(
        update={"reason": "TimedOut", "last_error": f"the run took longer than {draft.spec.training.timeout}"}
    )
    return draft.with_status(training=late).act(TerminateRun(_target(draft), run.id))


def _read_report(draft: Draft, training: TrainingStatus) -> Draft:
    match draft.observation.report:
        case Unknown() as unknown:
            return draft.unseen(ConditionType.TRAINED, unknown)
        case Known(value=None):
            finished = training.finished or draft.now
            if draft.now - finished < REPORT_GRACE:
                return draft.look_again(draft.observation.installation.poll_interval)
            message = f"run {training.run_name} succeeded but left no report.json at {training.output_uri}"
            return _attempt_failed(draft, training, "ReportMissing", message)
        case Known(value=Report(outcome=Outcome.REJECTED, failure=Failure() as failure)):
            return _data_refused(draft, training, failure)
        case Known(value=Report() as report):
            return _trained(draft, training, report)
        case _:
            raise AssertionError("a report or nothing is seen")


def _trained(draft: Draft, training: TrainingStatus, report: Report) -> Draft:
    if report.key != training.key:
        message = f"report.json is about key {report.key[:10]}, not {training.key[:10]}"
        return _attempt_failed(draft, training, "ReportMismatch", message)
    if report.sha256_of("model/model.joblib") is None:
        message = "report.json has no sha256 of model/model.joblib"
        return _attempt_failed(draft, training, "ReportIncomplete", message)
    done = training.model_copy(update={"state": TrainingState.SUCCEEDED, "reason": None, "last_error": None})
    return record_version(draft.with_status(training=done), done, report)


def _read_failure(draft: Draft, training: TrainingStatus, run: Run) -> Draft:
    match draft.observation.report:
        case Unknown() as unknown:
            return draft.unseen(ConditionType.TRAINED, unknown)
        case Known(value=Report(outcome=Outcome.REJECTED, failure=Failure() as failure)):
            return _data_refused(draft, training, failure)
        case Known():
            if training.reason == "TimedOut":
                return _attempt_failed(draft, training, "TimedOut", training.last_error or "the run timed out")
            message = run.error or f"run {training.run_name} ended as {run.state.value}; its log is on the KFP page"
            return _attempt_failed(draft, training, f"Run{run.state.value}", message)
        case _:
            raise AssertionError("a report or nothing is seen")


def _data_refused(draft: Draft, training: TrainingStatus, failure: Failure) -> Draft:
    message = f"{failure.step}: {failure.message}"
    return _give_up(draft, training, failure.reason, message).reject_key(training.key, failure.reason, message)


def _attempt_failed(draft: Draft, training: TrainingStatus, reason: str, message: str) -> Draft:
    if training.attempt > draft.spec.training.retries:
        return _give_up(draft, training, reason, message)
    pause = names.back_off(training.attempt)
    waiting = training.model_copy(
        update={
            "state": TrainingState.BACKING_OFF,
            "finished": training.finished or draft.now,
            "retry_after": draft.now + pause,
            "reason": reason,
            "last_error": message,
        }
    )
    note = f"attempt {training.attempt} failed: {message}; next in {pause.total_seconds():.0f}s"
    draft = draft.with_status(training=waiting).warn(reason, note)
    draft = draft.find(ConditionType.TRAINED, ConditionStatus.FALSE, reason, note)
    return draft.busy("BackingOff", note).look_again(pause)


def _give_up(draft: Draft, training: TrainingStatus, reason: str, message: str) -> Draft:
    failed = training.model_copy(
        update={
            "state": TrainingState.FAILED,
            "finished": training.finished or draft.now,
            "reason": reason,
            "last_error": message,
        }
    )
    draft = draft.with_status(training=failed).warn(reason, message)
    draft = draft.find(ConditionType.TRAINED, ConditionStatus.FALSE, reason, message)
    return draft.blocked(reason, message)


def _back_off(draft: Draft, training: TrainingStatus) -> Draft:
    until = training.retry_after or draft.now
    if draft.now >= until:
        return _request(draft, training.key, training.attempt + 1)
    draft = draft.busy("BackingOff", f"attempt {training.attempt} failed: {training.last_error}")
    return draft.look_again(until - draft.now)


def _cancel(draft: Draft, training: TrainingStatus) -> Draft:
    """Stop a run that is no longer wished for. The wish stands in status before KFP is asked, because the
    end state of a terminated run can be Failed as well as Canceled."""
    if training.state is not TrainingState.CANCELLING:
        cancelling = training.model_copy(
            update={"state": TrainingState.CANCELLING, "reason": "Superseded", "last_error": "spec asks for another"}
        )
        return draft.with_status(training=cancelling).look_again(AT_ONCE).busy("Cancelling", training.run_name)
    match draft.observation.run:
        case Unknown() as unknown:
            return draft.unseen(ConditionType.TRAINED, unknown).busy("Cancelling", training.run_name)
        case Known(value=Run() as run) if not run.state.terminal:
            draft = draft.act(TerminateRun(_target(draft), run.id)).busy("Cancelling", training.run_name)
            return draft.look_again(draft.observation.installation.poll_interval)
        case Known():
            return _cancelled(draft, training)
        case _:
            raise AssertionError("a run or nothing is seen")


def _cancelled(draft: Draft, training: TrainingStatus) -> Draft:
    wished = _wished_key(draft)
    draft = draft.tell("TrainingCancelled", f"run {training.run_name} is no longer wanted")
    if wished is not None:
        attempt = training.attempt + 1 if wished == training.key else 1
        return _request(draft, wished, attempt)
    ended = training.model_copy(update={"state": TrainingState.FAILED, "finished": draft.now})
    return draft.with_status(training=ended).look_again(AT_ONCE)


def _target(draft: Draft) -> PipelinesTarget:
    return names.pipelines_target(draft.spec, draft.observation.installation, draft.observation.subject.key)


def wanted_again(draft: Draft) -> Draft:
    """Make a version a candidate again whose key is wished for once more: same key, same model."""
    dataset = draft.status.dataset
    if dataset is None or draft.spec.rollback_to is not None or draft.rejection(dataset.key):
        return draft
    if dataset.fingerprint != names.fingerprint(draft.spec):
        return draft
    for version in draft.status.versions:
        if version.key == dataset.key and version.state is VersionState.SUPERSEDED:
            again = version.model_copy(update={"state": VersionState.CANDIDATE, "retired": None})
            message = f"version {version.number} is wanted again; it needs no training"
            return draft.with_version(again).tell("VersionWantedAgain", message)
    return draft
