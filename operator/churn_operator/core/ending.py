"""How the rollout of a version ends: it is promoted, rolled back, or another one takes its place."""

from __future__ import annotations

from collections.abc import Iterable

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus
from churn_operator.api.v1alpha1.status import RolloutStatus, Version, VersionState
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.sentences import shortened


def supersede(draft: Draft, versions: Iterable[Version]) -> Draft:
    """These versions are not wished for any more."""
    for version in versions:
        gone = version.model_copy(update={"state": VersionState.SUPERSEDED, "retired": draft.now})
        draft = draft.with_version(gone)
    return draft


def promote(draft: Draft, candidate: Version) -> Draft:
    """The candidate is the stable version from now on."""
    before = draft.stable
    if before is not None:
        draft = supersede(draft, [before])
    current = draft.status.version(candidate.number) or candidate
    promoted = current.model_copy(update={"state": VersionState.STABLE, "promoted": draft.now, "retired": None})
    draft = draft.with_version(promoted).with_status(rollout=RolloutStatus(stable=candidate.number))
    message = f"version {candidate.number} was promoted"
    draft = draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.TRUE, "Promoted", message)
    return draft.tell("Promoted", f"version {candidate.number} is in service").look_again(AT_ONCE)


def roll_back(draft: Draft, candidate: Version, reason: str, why: str) -> Draft:
    """The stable version gets everything back, and the candidate's key is not tried again."""
    stable, why = draft.status.rollout.stable, shortened(why)
    message = f"version {candidate.number} was rolled back: {why}"
    current = draft.status.version(candidate.number) or candidate
    gone = current.model_copy(
        update={"state": VersionState.ROLLED_BACK, "retired": draft.now, "reason": f"{reason}: {why}"}
    )
    draft = draft.with_version(gone).reject_key(candidate.key, reason, message)
    draft = draft.with_status(rollout=RolloutStatus(stable=stable))
    draft = draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.FALSE, reason, message)
    return draft.warn("RolledBack", message).busy("RollingBack", message).look_again(AT_ONCE)
