"""Following a training from wish to report: submit, watch, cancel, retry with back-off."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_never

from churn_report import ArtifactLayout, Failure, Outcome, Report

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus, seconds_of
from churn_operator.api.v1alpha1.status import TrainingState, TrainingStatus
from churn_operator.core import training as names
from churn_operator.core.actions import SubmitRun, TerminateRun
from churn_operator.core.challenge import champion_of, is_about_another, must_be_repeated
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.observation import Known, PipelinesTarget, Run, RunState, Unknown
from churn_operator.core.own_pipeline import is_ready, look_anew
from churn_operator.core.sentences import ANOTHER_TRY, shortened
from churn_operator.core.serve import driver_of, names_versions
from churn_operator.core.versions import record_version, say_made

REPORT_GRACE = timedelta(seconds=60)
"""How long a run that succeeded may lack its report: object stores answer late under load."""

STOPPING_GRACE = timedelta(minutes=5)
"""How long a run may take to stop before it is left to itself; it has an output folder of its own."""

_FOLLOWED = (TrainingState.PENDING, TrainingState.RUNNING, TrainingState.CANCELLING)
_SUPERSEDED = "Superseded"


def consider_training(draft: Draft) -> Draft:
    """Bring the training that is wished for one step further."""
    under_way, wished = draft.status.training, _key_to_train(draft)
    if under_way is not None and under_way.state in _FOLLOWED and under_way.key != wished:
        return _cancel(draft, under_way)
    if wished is None:
        return say_made(_nothing_to_train(draft))
    if under_way is None or under_way.key != wished:
        return _request(draft, wished)
    match under_way.state:
        case TrainingState.PENDING | TrainingState.RUNNING:
            return _follow(draft, under_way)
        case TrainingState.CANCELLING:
            return _cancel(draft, under_way)
        case TrainingState.BACKING_OFF:
            return _back_off(draft, under_way)
        case TrainingState.SUCCEEDED:
            return _request(draft, wished)
        case TrainingState.FAILED if under_way.reason == _SUPERSEDED:
            return _request(draft, wished)
        case TrainingState.FAILED:
            return _stalled(draft, under_way.reason or "TrainingFailed", under_way.last_error or "the training failed")
        case _:
            assert_never(under_way.state)


def _key_to_train(draft: Draft) -> str | None:
    """The key to train for, or None where nothing has to be trained."""
    wished, training = draft.wished_key, draft.status.training
    if wished is None or draft.wished_version is not None or draft.rejection(wished) is not None:
        return None
    already_started = training is not None and training.key == wished
    return None if draft.spec.rollback_to is not None and not already_started else wished


def forgive_training(draft: Draft, key: str) -> Draft | None:
    """What ended the training with the wished key is forgotten, and the next attempt is due. None where there is
    nothing to forgive."""
    training = draft.status.training
    own = training if training is not None and training.key == key else None
    ended = own is not None and own.state in (TrainingState.FAILED, TrainingState.BACKING_OFF)
    if not ended and draft.rejection(key) is None:
        return None
    if own is not None and ended:
        due = {"state": TrainingState.BACKING_OFF, "failures": 0, "retry_after": draft.now}
        draft = draft.with_status(training=own.model_copy(update=due))
    return draft.forget_rejection(key).tell("Retried", "another training is tried")


def _nothing_to_train(draft: Draft) -> Draft:
    """A pause before another attempt ends with the wish for it."""
    training = draft.status.training
    if training is None or training.state is not TrainingState.BACKING_OFF:
        return draft
    return draft.with_status(training=_superseded(training, TrainingState.FAILED))


def _superseded(training: TrainingStatus, state: TrainingState) -> TrainingStatus:
    return training.model_copy(
        update={"state": state, "reason": _SUPERSEDED, "last_error": "spec asks for another", "retry_after": None}
    )


def _request(draft: Draft, key: str) -> Draft:
    """Wish for the next attempt with a key. A name is never used twice: a run that was stopped, or failed
    before the wish went away and came back, would else be taken for the new one."""
    subject, installation = draft.observation.subject, draft.observation.installation
    dataset, before = draft.status.dataset, draft.status.training
    if dataset is None:
        raise AssertionError("a key is wished for only after data was adopted")
    draft = _abandon(draft, before)
    spent = next((left.attempt for left in draft.status.abandoned if left.key == key), 0)
    same = before if before is not None and before.key == key else None
    attempt = (same.attempt if same else spent) + 1
    requested = TrainingStatus(
        key=key,
        dataset_digest=dataset.digest,
        attempt=attempt,
        failures=same.failures if same and same.state is TrainingState.BACKING_OFF else 0,
        state=TrainingState.PENDING,
        run_name=names.run_name(subject.key, key, attempt),
        output_uri=names.output_uri(installation, subject.key, key, attempt),
        champion=champion_of(draft),
        requested=draft.now,
    )
    draft = draft.with_status(training=requested)
    draft = draft.find(
        ConditionType.TRAINED, ConditionStatus.FALSE, "TrainingRequested", f"run {requested.run_name} is to start"
    )
    draft = draft.busy("Training", f"training run {requested.run_name}")
    return draft.tell("TrainingRequested", f"attempt {attempt}: run {requested.run_name}").look_again(AT_ONCE)


def _abandon(draft: Draft, training: TrainingStatus | None) -> Draft:
    """Remember how far a training came that is left without a version."""
    if training is None or training.state is TrainingState.SUCCEEDED:
        return draft
    return draft.abandon(training.key, training.attempt)


def _follow(draft: Draft, training: TrainingStatus) -> Draft:
    if training.state is TrainingState.PENDING and draft.observation.run == Known(None) and not is_ready(draft):
        return draft
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
        target = _target(draft)
        place = f"Kubeflow Pipelines at {target.endpoint}, namespace {target.namespace}"
        why = "it was deleted, or spec.training.pipelines leads elsewhere by now"
        return _attempt_failed(draft, training, "RunDeleted", f"run {training.run_name} is not in {place}: {why}")
    fault = draft.fault_of(SubmitRun.__name__)
    if fault is not None and fault.changed:
        return look_anew(draft)
    if fault is not None:
        return _submission_failed(draft, training, fault.rejected, fault.message)
    subject, installation = draft.observation.subject, draft.observation.installation
    package = draft.status.dataset.pipeline if draft.status.dataset else None
    action = names.submission(draft.spec, installation, subject.key, training, package)
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
    message = f"the run took longer than {draft.spec.training.timeout}"
    if draft.now - started >= seconds_of(draft.spec.training.timeout) + STOPPING_GRACE:
        return _attempt_failed(draft, training, "TimedOut", f"{message} and does not stop")
    late = training.model_copy(update={"reason": "TimedOut", "last_error": message})
    return draft.with_status(training=late).act(TerminateRun(_target(draft), run.id))


def _read_report(draft: Draft, training: TrainingStatus) -> Draft:
    match draft.observation.report:
        case Unknown() as unknown:
            return draft.unseen(ConditionType.TRAINED, unknown)
        case Known(value=None):
            finished = training.finished or draft.now
            if draft.now - finished < REPORT_GRACE:
                return draft.look_again(draft.observation.installation.poll_interval)
            expected = ArtifactLayout(training.output_uri).report
            message = f"run {training.run_name} succeeded but left no report: {expected} is what it has to write"
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
    if is_about_another(draft, training, report):
        message = f"report.json of run {training.run_name} compares with another champion than the run was given"
        return _attempt_failed(draft, training, "OtherChampion", message)
    if must_be_repeated(draft, training, report):
        told = f"run {training.run_name} was not asked for the comparison that evaluation.champion asks for by now"
        draft = draft.tell("TrainingRepeated", told)
        return _request(draft, training.key)
    serving = draft.observation.serving
    if isinstance(serving, Unknown) and names_versions(driver_of(draft)):
        return draft.unseen(ConditionType.TRAINED, serving)
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
    message = shortened(message)
    failed = training.model_copy(update={"failures": training.failures + 1})
    if failed.failures > draft.spec.training.retries:
        return _give_up(draft, failed, reason, message)
    pause = names.back_off(failed.failures)
    waiting = failed.model_copy(
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
    message = shortened(message)
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
    # Nobody tells of our own writes: the next pass has to say that nothing is under way any more.
    return _stalled(draft, reason, message).look_again(AT_ONCE)


def _stalled(draft: Draft, reason: str, message: str) -> Draft:
    return draft.blocked(reason, f"{message.removesuffix('.')}; {ANOTHER_TRY}")


def _back_off(draft: Draft, training: TrainingStatus) -> Draft:
    until = training.retry_after or draft.now
    if draft.now >= until:
        return _request(draft, training.key)
    draft = draft.busy("BackingOff", f"attempt {training.attempt} failed: {training.last_error}")
    return draft.look_again(until - draft.now)


def _cancel(draft: Draft, training: TrainingStatus) -> Draft:
    """Stop a run that is no longer wished for. The wish stands in status before KFP is asked, because the
    end state of a terminated run can be Failed as well as Canceled."""
    draft = draft.busy("Cancelling", f"run {training.run_name} is no longer wanted")
    if training.state is not TrainingState.CANCELLING:
        cancelling = _superseded(training, TrainingState.CANCELLING)
        cancelling = cancelling.model_copy(update={"retry_after": draft.now + STOPPING_GRACE})
        return draft.with_status(training=cancelling).look_again(AT_ONCE)
    match draft.observation.run:
        case Unknown() as unknown:
            return draft.unseen(ConditionType.TRAINED, unknown)
        case Known(value=Run() as run) if not run.state.terminal:
            if training.retry_after is not None and draft.now >= training.retry_after:
                return _cancelled(draft, training, f"run {training.run_name} does not stop and is left to itself")
            draft = draft.act(TerminateRun(_target(draft), run.id))
            return draft.look_again(draft.observation.installation.poll_interval)
        case Known():
            return _cancelled(draft, training, f"run {training.run_name} is no longer wanted")
        case _:
            raise AssertionError("a run or nothing is seen")


def _cancelled(draft: Draft, training: TrainingStatus, message: str) -> Draft:
    draft = draft.tell("TrainingCancelled", message)
    draft = draft.find(ConditionType.TRAINED, ConditionStatus.FALSE, "TrainingCancelled", message)
    wished = _key_to_train(draft)
    if wished is not None:
        return _request(draft, wished)
    ended = _superseded(training, TrainingState.FAILED).model_copy(update={"finished": draft.now})
    return draft.with_status(training=ended).look_again(AT_ONCE)


def _target(draft: Draft) -> PipelinesTarget:
    return names.pipelines_target(draft.spec, draft.observation.installation, draft.observation.subject.key)
