"""Verbs: what they are asked of, when they are pointless, and which value the annotation takes.

A value is heeded once (docs/conditions.md#verbs). The number of the candidate is the value of choice, because it speaks
of that version only: who approves version 2 can never approve a version 3 that came in between. Where that number was
heeded already, the time is taken, and the resourceVersion of what was looked at guards the change instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from churnctl.errors import ChurnctlError, NotFoundError
from churnctl.view import ChurnModel

GROUP = "churnops.dev"


class Verb(StrEnum):
    """What can be wished for once."""

    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"
    RETRY = "retry"


@dataclass(frozen=True)
class Wish:
    """A verb about what is there now.

    Attributes:
        value: of the annotation.
        about: what it is about, in words.
    """

    verb: Verb
    value: str
    about: str

    def patch(self, model: ChurnModel) -> dict[str, Any]:
        """The change of metadata, refused when the object is another by now."""
        annotation = {f"{GROUP}/{self.verb}": self.value}
        return {"metadata": {"resourceVersion": model.resource_version, "annotations": annotation}}


def wish(model: ChurnModel, verb: Verb, number: int | None, at: datetime) -> Wish:
    """The wish, as long as there is something to act on.

    Args:
        number: the version that is meant; None for whatever is there.

    Raises:
        NotFoundError: the version is not on its way into service.
        ChurnctlError: the verb would be ignored; the sentence says why.
    """
    if verb is Verb.RETRY:
        return _retry(model, number, at)
    pinned = model.spec.get("rollbackTo")
    if pinned is not None:
        raise ChurnctlError(
            f"spec.rollbackTo pins version {pinned}, so no rollout is under way: "
            f"remove it first, with `kubectl churn rollback {model.name} --clear`."
        )
    candidate = model.rollout.candidate
    if number is not None and number != candidate:
        now = "no version is" if candidate is None else f"version {candidate} is"
        raise NotFoundError(f"Version {number} is not on its way into service; {now}.")
    if candidate is None:
        raise ChurnctlError(f"No version of {model.name} is on its way into service, so there is nothing to {verb}.")
    pointless = _pointless(model, verb, candidate)
    if pointless is not None:
        raise ChurnctlError(f"{pointless}.")
    return Wish(verb, _value(model, verb, str(candidate), at), f"version {candidate}")


def came_true(model: ChurnModel, before: ChurnModel, verb: Verb) -> bool:
    """Whether the status shows what the verb was to bring about."""
    rollout, candidate = model.rollout, before.rollout.candidate
    moved_on = rollout.candidate != candidate or rollout.step != before.rollout.step
    match verb:
        case Verb.APPROVE:
            return moved_on or rollout.approved == before.rollout.step
        case Verb.PAUSE:
            return rollout.paused
        case Verb.RESUME:
            return moved_on or not rollout.paused
        case Verb.PROMOTE:
            return rollout.promoting or rollout.stable == candidate
        case Verb.ABORT:
            return rollout.candidate != candidate and rollout.stable != candidate
        case Verb.RETRY:
            return model.rejected_keys != before.rejected_keys or model.training != before.training


def _retry(model: ChurnModel, number: int | None, at: datetime) -> Wish:
    pinned = model.spec.get("rollbackTo")
    if pinned is not None:
        raise ChurnctlError(
            f"spec.rollbackTo pins version {pinned}: "
            f"remove it first, with `kubectl churn rollback {model.name} --clear`."
        )
    if number is not None and model.version(number) is None:
        raise NotFoundError(f"{model.name} has no version {number}.")
    failed = model.training.get("state") == "Failed" or bool(model.rejected_keys)
    stopped = model.condition("Stalled")
    if not failed and (stopped is None or stopped.status != "True"):
        raise ChurnctlError(
            f"Nothing of {model.name} was refused, rolled back or failed, so there is nothing to retry."
        )
    preferred = str(number) if number is not None else ""
    about = f"version {number}" if number is not None else "what spec asks for"
    return Wish(Verb.RETRY, _value(model, Verb.RETRY, preferred, at), about)


def _value(model: ChurnModel, verb: Verb, preferred: str, at: datetime) -> str:
    """`preferred` unless it was heeded before, or waits to be heeded; then the time."""
    used = {model.consumed.get(verb), model.annotations.get(f"{GROUP}/{verb}")}
    return preferred if preferred and preferred not in used else at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _pointless(model: ChurnModel, verb: Verb, candidate: int) -> str | None:
    rollout = model.rollout
    match verb:
        case Verb.APPROVE:
            step = min(rollout.step or 0, len(model.steps) - 1)
            if rollout.approved is not None and rollout.approved == rollout.step:
                return f"Step {step + 1} of version {candidate} is approved already"
            if not model.steps[step].approval:
                return f"Step {step + 1} of {len(model.steps)} asks for no approval; `promote` skips the rest"
        case Verb.PAUSE if rollout.paused:
            return f"The rollout of version {candidate} is paused already"
        case Verb.RESUME if not rollout.paused:
            return f"The rollout of version {candidate} is not paused"
        case Verb.PROMOTE if rollout.promoting and not rollout.paused:
            return f"The promotion of version {candidate} is under way already"
        case _:
            pass
    return None
