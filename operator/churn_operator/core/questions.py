"""What a pass has to look at. Nothing is asked that no decision would look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus, ConditionStatus, seconds_of
from churn_operator.api.v1alpha1.status import TrainingState
from churn_operator.core.dataset import may_adopt, must_adopt
from churn_operator.core.deletion import spec_to_clean_by
from churn_operator.core.fingerprint import fingerprint
from churn_operator.core.hook_calls import HooksQuestion, hooks_question
from churn_operator.core.live_questions import LookQuestion, look_question
from churn_operator.core.observation import Installation, InvalidSpec, ObjectLocation, PipelinesTarget, Subject
from churn_operator.core.own_pipeline import may_look, must_look
from churn_operator.core.serve import driver_in_use, names_versions
from churn_operator.core.training import dataset_location, model_root, package_location, pipelines_target

_FOLLOWED = (TrainingState.PENDING, TrainingState.RUNNING, TrainingState.CANCELLING)


@dataclass(frozen=True)
class DatasetQuestion:
    """What is the dataset's digest, at most `max_age` old?"""

    location: ObjectLocation
    max_age: timedelta


@dataclass(frozen=True)
class PackageQuestion:
    """What is in the package of the user's own pipeline, as it was at most `max_age` ago?"""

    location: ObjectLocation
    max_age: timedelta


@dataclass(frozen=True)
class RunQuestion:
    """How is this run? And, once it has ended, what is its report?"""

    target: PipelinesTarget
    run_name: str
    output_uri: str


@dataclass(frozen=True)
class LeftoversQuestion:
    """What is left to remove?"""

    target: PipelinesTarget
    model_name: str
    root: str


@dataclass(frozen=True)
class Questions:
    """The questions of one pass; None is not asked. `driver` asks for the InferenceService, `look` for live traffic."""

    driver: str | None = None
    dataset: DatasetQuestion | None = None
    package: PackageQuestion | None = None
    run: RunQuestion | None = None
    look: LookQuestion | None = None
    hooks: HooksQuestion | None = None
    leftovers: LeftoversQuestion | None = None


def questions(subject: Subject, installation: Installation, now: datetime) -> Questions:
    """What this ChurnModel makes worth asking."""
    spec, status = subject.spec, subject.status
    if subject.deletion_requested is not None:
        in_use = status.serving.driver or installation.traffic_driver
        return Questions(driver=in_use, leftovers=_leftovers(subject, installation))
    if isinstance(spec, InvalidSpec):
        return Questions(driver=status.serving.driver or None)
    driver = _driver(spec, status, installation)
    if spec.suspend:
        return Questions(driver=driver)
    return Questions(
        driver=driver,
        dataset=_dataset(subject, spec, installation),
        package=_package(subject, spec, installation),
        run=_run(subject, spec, installation),
        look=look_question(subject.key, spec, status, now),
        hooks=hooks_question(subject.key, spec, status),
    )


def _driver(spec: ChurnModelSpec, status: ChurnModelStatus, installation: Installation) -> str | None:
    """Without a version there is nothing to serve, but the first one needs a number that is free."""
    driver = driver_in_use(status, spec, installation)
    made_soon = status.training is not None and status.training.state in _FOLLOWED
    return driver if status.versions or (made_soon and names_versions(driver)) else None


def _dataset(subject: Subject, spec: ChurnModelSpec, installation: Installation) -> DatasetQuestion | None:
    if spec.rollback_to is not None:
        return None
    location = dataset_location(spec, installation, subject.key)
    if must_adopt(spec, fingerprint(spec), subject.status):
        return DatasetQuestion(location, timedelta(0))
    if may_adopt(spec, subject.status):
        return DatasetQuestion(location, seconds_of(spec.triggers.dataset_change.poll_interval) / 2)
    return None


def _package(subject: Subject, spec: ChurnModelSpec, installation: Installation) -> PackageQuestion | None:
    """One that was refused is looked at anew each time: somebody may just have mended it."""
    location, status = package_location(spec, installation, subject.key), subject.status
    if location is None or spec.rollback_to is not None:
        return None
    judged = status.condition(ConditionType.PIPELINE_READY)
    if must_look(spec, fingerprint(spec), status):
        return PackageQuestion(location, timedelta(0))
    if may_look(spec, status):
        adopted = judged is not None and judged.status is ConditionStatus.TRUE
        half = seconds_of(spec.triggers.dataset_change.poll_interval) / 2
        return PackageQuestion(location, half if adopted else timedelta(0))
    return None


def _run(subject: Subject, spec: ChurnModelSpec, installation: Installation) -> RunQuestion | None:
    training = subject.status.training
    if training is None or training.state not in _FOLLOWED:
        return None
    target = pipelines_target(spec, installation, subject.key)
    return RunQuestion(target, training.run_name, training.output_uri)


def _leftovers(subject: Subject, installation: Installation) -> LeftoversQuestion | None:
    spec = spec_to_clean_by(subject)
    if spec is None:
        return None
    target = pipelines_target(spec, installation, subject.key)
    return LeftoversQuestion(target, subject.key.name, model_root(installation, subject.key))
