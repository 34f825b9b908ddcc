"""Making a wish by its annotation, and learning what the operator made of it."""

from __future__ import annotations

import time

from churnctl.cluster.churnmodels import ChurnModels
from churnctl.console import stderr
from churnctl.errors import ChurnctlError, ConflictError, ForbiddenError, UnreachableError
from churnctl.times import now
from churnctl.verbs import GROUP, Verb, Wish, came_true, wish
from churnctl.view import ChurnModel, read

_TRIES = 10
_POLL_SECONDS = 0.3
_EVENT_SECONDS = 3.0
"""The operator posts its events after the status, and not at once."""


def make(models: ChurnModels, name: str, verb: Verb, number: int | None) -> tuple[ChurnModel, Wish]:
    """The object as it was, and the wish that is now among its annotations.

    Raises:
        ChurnctlError: see churnctl.verbs.wish; ConflictError when the object changed at each try.
    """
    for _ in range(_TRIES):
        model = read(models.get(name))
        made = wish(model, verb, number, now())
        try:
            models.patch(name, made.patch(model))
        except ConflictError:
            continue
        return model, made
    raise ConflictError(f"{name} changes all the time: nothing was done. Try again.")


def heeded(models: ChurnModels, before: ChurnModel, made: Wish, timeout: float) -> ChurnModel:
    """The object once the operator has done what was wished for. `timeout` is in seconds.

    Raises:
        ChurnctlError: the operator ignored it; the sentence says why.
        UnreachableError: it did not heed it in time.
    """
    deadline = time.monotonic() + timeout
    with stderr().status(f"waiting for the operator to heed {made.verb}"):
        while True:
            model = read(models.get(before.name))
            if model.consumed.get(made.verb) == made.value:
                return _outcome(models, model, before, made)
            if time.monotonic() > deadline:
                raise UnreachableError(
                    f"{GROUP}/{made.verb}={made.value} is set and was not heeded within {timeout:g} s: "
                    f"see whether the operator runs."
                )
            time.sleep(_POLL_SECONDS)


def _outcome(models: ChurnModels, model: ChurnModel, before: ChurnModel, made: Wish) -> ChurnModel:
    deadline = time.monotonic() + _EVENT_SECONDS
    while not came_true(model, before, made.verb) and time.monotonic() < deadline:
        ignored = _ignored(models, model, made)
        if ignored is not None:
            raise ChurnctlError(ignored)
        time.sleep(_POLL_SECONDS)
        model = read(models.get(before.name))
    return model


def _ignored(models: ChurnModels, model: ChurnModel, made: Wish) -> str | None:
    """The operator's event that it ignored this value, or None."""
    query = {"fieldSelector": f"involvedObject.name={model.name},reason=AnnotationIgnored"}
    try:
        answer = models.connection.send("GET", "events", version="v1", namespace=models.namespace, params=query)
    except ForbiddenError:
        return None
    beginning = f"{GROUP}/{made.verb}={made.value} "
    messages = [str(event.get("message", "")) for event in answer.json()["items"]]
    return next((f"{message}." for message in messages if message.startswith(beginning)), None)
