"""What a person can do to a ChurnModel at this moment, and the annotation value that says it.

docs/conditions.md#verbs: each value is heeded once; a version's number speaks of that version only, any other value
of what is there now. So the number is sent, and where it was heeded before, the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from churn_webapp.errors import Conflict, InvalidRequest
from churn_webapp.story.churn_model import ChurnModel


class Action(StrEnum):
    """The verbs of churnops.dev/<verb>, and the two that change spec.rollbackTo."""

    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"
    ABORT = "abort"
    RETRY = "retry"
    ROLL_BACK = "rollback"
    UNPIN = "unpin"


@dataclass(frozen=True)
class Offer:
    """A button: what it does, to which version, and what is asked before it does."""

    action: Action
    version: int
    label: str
    explanation: str
    confirmation: str = ""
    urgent: bool = False

    @property
    def value(self) -> str:
        """What the form sends: `<action>:<version>`."""
        return f"{self.action}:{self.version}"


def offers(model: ChurnModel) -> tuple[Offer, ...]:
    """The buttons that make sense now, the most expected one first."""
    if model.spec.suspend:
        return ()
    return (*_about_candidate(model), *_about_refused(model), *_about_pin(model))


def rollback_offers(model: ChurnModel) -> dict[int, Offer]:
    """By version number: the versions that were in service once and can be again."""
    if model.spec.suspend:
        return {}
    stable, pinned = model.status.rollout.stable, model.spec.rollback_to
    return {
        version.number: Offer(
            Action.ROLL_BACK,
            version.number,
            "Roll back to it",
            f"sets spec.rollbackTo to {version.number}",
            f"Version {version.number} gets all of the traffic at once, and is pinned: newer versions wait until the "
            "pin is removed.",
        )
        for version in model.status.versions
        if version.promoted is not None and version.number not in (stable, pinned)
    }


def parse_value(value: str) -> tuple[Action, int]:
    """What a form has sent. Raises InvalidRequest."""
    name, _, number = value.partition(":")
    if name not in list(Action) or not (number.isascii() and number.isdigit()):
        raise InvalidRequest("The form names no action: go back to the page and press one of its buttons.")
    return Action(name), int(number)


def require_offered(model: ChurnModel, action: Action, version: int) -> None:
    """Raises Conflict if the page that the person saw is outdated, so that nobody approves what they have not seen."""
    possible = {(offer.action, offer.version) for offer in (*offers(model), *rollback_offers(model).values())}
    if (action, version) not in possible:
        raise Conflict(
            f"Version {version} cannot be asked for “{action}” any more, so nothing was done. "
            f"{model.name} now: {model.sentence}."
        )


def annotation_value(model: ChurnModel, action: Action, version: int, now: datetime) -> str:
    """The value for churnops.dev/<action>: the version's number, or the time if that was heeded before. A retry is
    about what spec asks for, which may have no number yet, so it is always the time."""
    number = str(version)
    heeded = action is Action.RETRY or model.status.consumed.get(action) == number
    return f"{now:%Y-%m-%dT%H:%M:%S.%fZ}" if heeded else number


def _about_candidate(model: ChurnModel) -> tuple[Offer, ...]:
    candidate, rollout, step = model.candidate, model.status.rollout, model.step
    if candidate is None or model.spec.rollback_to is not None:
        return ()
    number, name = candidate.number, f"version {candidate.number}"
    found: list[Offer] = []
    if step is not None and step.approval and rollout.approved != rollout.step:
        waits = rollout.awaiting == "Approval"
        explanation = f"{name} waits for this" if waits else f"{name} goes on as soon as its bake is over"
        found.append(Offer(Action.APPROVE, number, "Approve", explanation, urgent=waits))
    if rollout.paused:
        found.append(Offer(Action.RESUME, number, "Resume", f"the rollout of {name} goes on", urgent=True))
    else:
        found.append(Offer(Action.PAUSE, number, "Pause", f"the rollout of {name} stays as it is"))
    if not rollout.promoting:
        everything = f"Version {number} gets all of the traffic as soon as it is ready."
        warning = f"{everything} Steps, approvals and analysis are skipped."
        found.append(Offer(Action.PROMOTE, number, "Promote now", "skips what is left of the rollout", warning))
    back = "The stable version gets all of the traffic back" if model.stable else "Nothing is served any more"
    warning = f"{back}, and version {number} is not tried again until somebody asks for it."
    found.append(Offer(Action.ABORT, number, "Abort", f"ends the rollout of {name}", warning))
    return tuple(found)


def _about_refused(model: ChurnModel) -> tuple[Offer, ...]:
    stalled = model.condition("Stalled")
    if stalled is None or stalled.status != "True" or model.candidate is not None or model.spec.rollback_to is not None:
        return ()
    explanation = "tries what spec asks for once more, judged by the thresholds of today"
    return (Offer(Action.RETRY, model.status.latest_version, "Retry", explanation),)


def _about_pin(model: ChurnModel) -> tuple[Offer, ...]:
    pinned = model.spec.rollback_to
    if pinned is None:
        return ()
    explanation = f"removes spec.rollbackTo: {pinned}"
    warning = "The newest version that spec asks for comes into service again, by its rollout."
    return (Offer(Action.UNPIN, pinned, "Go on with the newest version", explanation, warning),)
