"""A step whose weight is in effect: it lasts for its bake, and then leads on if nothing and nobody holds it."""

from __future__ import annotations

from datetime import timedelta

from churn_operator.api.conditions import ConditionType
from churn_operator.api.v1alpha1 import ConditionStatus
from churn_operator.api.v1alpha1.common import GROUP
from churn_operator.api.v1alpha1.rollout import HookType
from churn_operator.api.v1alpha1.status import StepStatus, Version
from churn_operator.core.analyse import analyse
from churn_operator.core.analysis import Conclusion
from churn_operator.core.confirm import confirm
from churn_operator.core.draft import AT_ONCE, Draft
from churn_operator.core.ending import promote, roll_back
from churn_operator.core.steps import RolloutStep

AWAITING_APPROVAL = "Approval"
"""In status.rollout.awaiting: the step's bake is over, and a person is to approve it."""
REMEMBERED_STEPS = 100


def bake(draft: Draft, candidate: Version, steps: tuple[RolloutStep, ...], step: int) -> Draft:
    """One pass of the step that is in effect."""
    draft = _begin(draft, candidate, steps[step])
    rollout = draft.status.rollout
    if rollout.promoting and not rollout.paused:
        return promote(draft, candidate)
    left = (rollout.step_started or draft.now) + steps[step].bake - draft.now
    analysed = analyse(draft, candidate, baked=left <= timedelta(0))
    draft = analysed.draft
    if analysed.conclusion is Conclusion.ROLL_BACK:
        return roll_back(draft, candidate, analysed.reason, analysed.message)
    if rollout.paused:
        return draft
    if left > timedelta(0):
        return draft.look_again(left)
    if analysed.conclusion is Conclusion.WAIT:
        return draft
    if steps[step].approval and rollout.approved != step:
        return _await_approval(draft, candidate, steps, step)
    return _lead_on(draft, candidate, steps, step)


def end_step(draft: Draft) -> Draft:
    """The split of this step is given up, for another step or because the candidate left service."""
    rollout = draft.status.rollout
    if rollout.step_started is None:
        return draft
    steps = tuple(
        each if each.ended is not None else each.model_copy(update={"ended": draft.now}) for each in rollout.steps
    )
    return draft.with_rollout(step_started=None, steps=steps[-REMEMBERED_STEPS:])


def enter_step(draft: Draft, steps: tuple[RolloutStep, ...], step: int) -> Draft:
    """The step is wished for from now on; nobody has approved it yet, and hooks are asked anew."""
    kept = tuple(each for each in draft.status.rollout.confirmed if each.type is HookType.CONFIRM_ROLLOUT)
    return end_step(draft).with_rollout(
        step=step,
        weight=steps[step].weight,
        mirror=steps[step].mirror,
        step_requested=None,
        approved=None,
        awaiting=None,
        confirmed=kept,
    )


def _begin(draft: Draft, candidate: Version, step: RolloutStep) -> Draft:
    rollout = draft.status.rollout
    if rollout.step_started is None:
        seen = StepStatus(step=rollout.step or 0, weight=rollout.weight or 0, mirror=rollout.mirror, started=draft.now)
        draft = draft.with_rollout(step_started=draft.now, steps=(*rollout.steps, seen))
        what = "gets copies of" if step.mirror else "has"
        percent = step.mirror or step.weight
        draft = draft.tell("TrafficShifted", f"version {candidate.number} {what} {percent}% of the traffic")
    return draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.TRUE, "CandidateReady", _note(candidate, step))


def _note(candidate: Version, step: RolloutStep) -> str:
    name = f"version {candidate.number}"
    if step.mirror:
        return f"{name} is ready and gets copies of {step.mirror}% of the requests"
    return f"{name} answers {step.weight}% of the traffic" if step.weight else f"{name} is ready beside the traffic"


def _await_approval(draft: Draft, candidate: Version, steps: tuple[RolloutStep, ...], step: int) -> Draft:
    hint = f"annotate the ChurnModel with {GROUP}/approve={candidate.number} to go on"
    place = f"step {step + 1}/{len(steps)}"
    message = f"version {candidate.number} waits at {steps[step].share}, {place}, to be approved: {hint}"
    if draft.status.rollout.awaiting != AWAITING_APPROVAL:
        draft = draft.with_rollout(awaiting=AWAITING_APPROVAL).tell("ApprovalNeeded", message)
    draft = draft.find(ConditionType.CANARY_HEALTHY, ConditionStatus.TRUE, "AwaitingApproval", message)
    return draft.busy("AwaitingApproval", message)


def _lead_on(draft: Draft, candidate: Version, steps: tuple[RolloutStep, ...], step: int) -> Draft:
    """The next step, or the promotion after the last one, if hooks let it pass."""
    last = step + 1 == len(steps)
    if last or steps[step + 1].weight > steps[step].weight:
        moment = HookType.CONFIRM_PROMOTION if last else HookType.CONFIRM_TRAFFIC_INCREASE
        confirmed = confirm(draft, moment, candidate)
        draft = confirmed.draft
        if not confirmed.go:
            return draft
    if last:
        return promote(draft, candidate)
    return enter_step(draft, steps, step + 1).look_again(AT_ONCE)
