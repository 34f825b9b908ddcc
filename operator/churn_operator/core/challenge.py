"""Which version a training's model is compared with, and what that comparison says.

The champion is the version in service when the training was asked for: it stands in status.training, the run is
given it, and the gate judges by it, even if another is in service by the time the run ends. Only the run can score both
models on the same rows, and the version that came into service since was itself no worse than its own champion.
A training that had no champion to be given, while there is one by now, is repeated once with it.
"""

from __future__ import annotations

from churn_report import Report

from churn_operator.api.v1alpha1.status import ChampionStatus, GateCheck, GateResult, TrainingStatus, Version
from churn_operator.core import gate
from churn_operator.core.champion import judge_champion, judge_once_more
from churn_operator.core.draft import Draft


def champion_of(draft: Draft) -> ChampionStatus | None:
    """Whom a training that is asked for now has to be compared with; None if with nobody."""
    spec, stable = draft.spec.evaluation.champion, draft.status.version(draft.status.rollout.stable)
    if spec is None or stable is None:
        return None
    return ChampionStatus(
        version=stable.number, model_uri=stable.model_uri, sha256=stable.sha256, confidence=spec.confidence
    )


def is_about_another(draft: Draft, training: TrainingStatus, report: Report) -> bool:
    """Whether the report compares with a champion that the run was not given: it is that of an earlier run of this
    name, say, whose version was forgotten since."""
    given, told = training.champion, report.comparison
    if draft.spec.evaluation.champion is None or given is None or told is None:
        return False
    return told.champion_sha256 != given.sha256


def must_be_repeated(draft: Draft, training: TrainingStatus, report: Report) -> bool:
    """Whether a model that passes everything else was compared with nobody, or with too little confidence, because
    the run was not asked for more."""
    now = champion_of(draft)
    if now is None or (training.champion is not None and training.champion.confidence >= now.confidence):
        return False
    return gate.passed(gate.verdict(draft.spec.evaluation, report.metrics))


def judge(draft: Draft, training: TrainingStatus, report: Report) -> GateResult | None:
    """The verdict on a model just trained; None if spec asks for no comparison."""
    spec, champion = draft.spec.evaluation.champion, training.champion
    if spec is None:
        return None
    if champion is None:
        stable = champion_of(draft)
        return judge_champion(spec, None, stable.sha256 if stable else None)
    found = judge_champion(spec, report.comparison, champion.sha256)
    if champion.version == draft.status.rollout.stable:
        return found
    note = f"(compared with version {champion.version}, which was in service when the training was asked for)"
    return found.model_copy(update={"message": f"{found.message} {note}"})


def judge_again(draft: Draft, version: Version) -> GateResult | None:
    """The verdict on a model trained before, by spec as it is now; None if spec asks for no comparison."""
    spec = draft.spec.evaluation.champion
    if spec is None:
        return None
    if champion_of(draft) is None:
        return judge_champion(spec, None, None)
    before = next((result for result in version.gate if result.check is GateCheck.CHAMPION), None)
    return judge_once_more(spec, before)
