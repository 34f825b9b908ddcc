"""What people wish for once, by the annotation churnops.dev/<verb>: <version, or any other value>.

A value is heeded once: it then stands in status.consumed, and nothing is ever written to metadata. A version's number
speaks of that version only, and waits while the version is still to come; any other value, a time say, speaks of
whatever is there now.
"""

from __future__ import annotations

import re
from enum import StrEnum

from churn_operator.api.v1alpha1.common import GROUP
from churn_operator.api.v1alpha1.status import Version, VersionState
from churn_operator.core.bake import AWAITING_APPROVAL
from churn_operator.core.draft import Draft
from churn_operator.core.ending import roll_back
from churn_operator.core.fingerprint import digest_of
from churn_operator.core.steps import steps_of
from churn_operator.core.train import forgive_training
from churn_operator.core.versions import forgive_version

GREATEST_VERSION = 1_000_000
"""A greater whole number is no version but a time, in seconds since 1970 say."""
LONGEST_VALUE = 64
"""Of a longer value, only the digest is remembered."""
_KEY = re.compile(r"[0-9a-f]{10,64}")


class Verb(StrEnum):
    """What can be wished for. Of the verbs about a candidate that are heeded in one pass, the last one counts: the
    more careful one."""

    RETRY = "retry"
    RESUME = "resume"
    APPROVE = "approve"
    PROMOTE = "promote"
    PAUSE = "pause"
    ABORT = "abort"


ABOUT_CANDIDATE = tuple(verb for verb in Verb if verb is not Verb.RETRY)


def heed_verbs(draft: Draft) -> Draft:
    """Do what annotations ask for about the candidate."""
    for verb in ABOUT_CANDIDATE:
        value = _unheeded(draft, verb)
        if value is not None:
            draft = _heed(draft, verb, value)
    return draft


def heed_retry(draft: Draft) -> Draft:
    """Try the version that spec wishes for once more, if an annotation asks for it and it was refused, rolled back
    or could not be trained."""
    value = _unheeded(draft, Verb.RETRY)
    if value is None:
        return draft
    key, version, number = draft.wished_key, draft.wished_version, version_named_by(value)
    if number is not None and number > draft.status.latest_version:
        return draft
    if draft.spec.rollback_to is not None:
        return _ignore(draft, Verb.RETRY, value, f"spec.rollbackTo pins version {draft.spec.rollback_to}")
    if key is None:
        return _ignore(draft, Verb.RETRY, value, "the data that spec asks for is not adopted yet")
    if number is not None and (version is None or version.number != number):
        return _ignore(draft, Verb.RETRY, value, f"version {number} is not the one that spec asks for")
    if number is None and _KEY.fullmatch(value) and not value.isdigit() and not key.startswith(value):
        return _ignore(draft, Verb.RETRY, value, f"spec asks for the training key {key[:10]}")
    forgiven = forgive_training(draft, key) if version is None else forgive_version(draft, version)
    if forgiven is None:
        return _ignore(draft, Verb.RETRY, value, "what spec asks for was neither refused nor rolled back")
    return _consume(forgiven, Verb.RETRY, value)


def version_named_by(value: str) -> int | None:
    """The version that a value speaks of, or None."""
    named = value.isascii() and value.isdigit() and len(value) <= len(str(GREATEST_VERSION))
    return int(value) if named and int(value) <= GREATEST_VERSION else None


def remembered(value: str) -> str:
    """A value as it stands in status.consumed."""
    return value if len(value) <= LONGEST_VALUE else digest_of([value])


def _unheeded(draft: Draft, verb: Verb) -> str | None:
    value = draft.observation.subject.annotations.get(f"{GROUP}/{verb}")
    return None if value is None or draft.status.consumed.get(verb) == remembered(value) else value


def _consume(draft: Draft, verb: Verb, value: str) -> Draft:
    return draft.with_status(consumed={**draft.status.consumed, verb.value: remembered(value)})


def _ignore(draft: Draft, verb: Verb, value: str, why: str) -> Draft:
    message = f"{GROUP}/{verb}={value[:LONGEST_VALUE]} is ignored: {why}"
    return _consume(draft, verb, value).warn("AnnotationIgnored", message)


def _heed(draft: Draft, verb: Verb, value: str) -> Draft:
    candidate = draft.candidate if draft.spec.rollback_to is None else None
    number = version_named_by(value)
    if number is not None and (candidate is None or candidate.number != number):
        if _is_to_come(draft, number):
            return draft
        return _ignore(draft, verb, value, f"version {number} is not on its way into service")
    if candidate is None:
        return _ignore(draft, verb, value, "no version is on its way into service")
    why_not = _pointless(draft, verb)
    if why_not is not None:
        return _ignore(draft, verb, value, why_not)
    return _obey(_consume(draft, verb, value), verb, candidate)


def _is_to_come(draft: Draft, number: int) -> bool:
    version = draft.status.version(number)
    waiting = version is not None and version.state is VersionState.CANDIDATE
    return waiting or number > draft.status.latest_version


def _pointless(draft: Draft, verb: Verb) -> str | None:
    """Why there is nothing to do, or None."""
    rollout = draft.status.rollout
    match verb:
        case Verb.APPROVE:
            steps = steps_of(draft.spec.rollout, first=rollout.stable is None)
            step = min(rollout.step or 0, len(steps) - 1)
            if rollout.approved == rollout.step:
                return "the step is approved already"
            return None if steps[step].approval else f"step {step + 1}/{len(steps)} asks for no approval"
        case Verb.PAUSE:
            return "the rollout is paused already" if rollout.paused else None
        case Verb.RESUME:
            return None if rollout.paused else "the rollout is not paused"
        case Verb.PROMOTE:
            return "that is under way already" if rollout.promoting and not rollout.paused else None
        case Verb.ABORT | Verb.RETRY:
            return None


def _obey(draft: Draft, verb: Verb, candidate: Version) -> Draft:
    rollout, name = draft.status.rollout, f"version {candidate.number}"
    match verb:
        case Verb.APPROVE:
            awaiting = None if rollout.awaiting == AWAITING_APPROVAL else rollout.awaiting
            draft = draft.with_rollout(approved=rollout.step, awaiting=awaiting)
            return draft.tell("Approved", f"step {(rollout.step or 0) + 1} of {name} is approved")
        case Verb.PAUSE:
            return draft.with_rollout(paused=True).tell("Paused", f"the rollout of {name} goes no further")
        case Verb.RESUME:
            return draft.with_rollout(paused=False).tell("Resumed", f"the rollout of {name} goes on")
        case Verb.PROMOTE:
            draft = draft.with_rollout(promoting=True, paused=False)
            return draft.tell("PromotionRequested", f"what is left of the rollout of {name} is skipped")
        case Verb.ABORT:
            return roll_back(draft, candidate, "Aborted", f"{GROUP}/{verb} asked for it")
        case Verb.RETRY:
            raise AssertionError("a retry is not about a candidate")
