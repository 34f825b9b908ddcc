"""The buttons: what the person asks for, sent to Kubernetes with the person's own token."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from churn_webapp.backends import backends
from churn_webapp.cluster.person import Person
from churn_webapp.errors import Forbidden, WebappError
from churn_webapp.metrics import ACTIONS
from churn_webapp.pages.session import require_person, require_sight
from churn_webapp.story.actions import Action, annotation_value, parse_value, require_offered
from churn_webapp.story.churn_model import ChurnModel

blueprint = Blueprint("actions", __name__)

_DONE = {
    Action.APPROVE: "Version {version} is approved.",
    Action.PAUSE: "The rollout of version {version} is asked to pause.",
    Action.RESUME: "The rollout of version {version} is asked to go on.",
    Action.PROMOTE: "Version {version} is asked to be promoted now.",
    Action.ABORT: "The rollout of version {version} is asked to end.",
    Action.RETRY: "What spec asks for is tried again.",
    Action.ROLL_BACK: "spec.rollbackTo is {version}: version {version} comes back.",
    Action.UNPIN: "spec.rollbackTo is removed.",
}


@blueprint.post("/models/<namespace>/<name>/actions")
def act(namespace: str, name: str) -> Response:
    """Do it, and go back to the page with a sentence. Raises Conflict, Forbidden, LoginNeeded and others."""
    require_sight(namespace, name)
    person = require_person()
    action, version = parse_value(request.form.get("action", ""))
    try:
        model = backends().churn_models.read_now(namespace, name)
        require_offered(model, action, version)
        _send(person, model, action, version)
    except WebappError as error:
        ACTIONS.labels(action, type(error).__name__).inc()
        if not isinstance(error, Forbidden):
            raise
        flash(error.sentence, "refused")
    else:
        ACTIONS.labels(action, "done").inc()
        flash(_DONE[action].format(version=version), "done")
    backends().churn_models.forget()
    return redirect(url_for("models.show", namespace=namespace, name=name), code=303)


@blueprint.get("/models/<namespace>/<name>/actions")
def acted(namespace: str, name: str) -> Response:
    """Where a login leads back to that a button asked for: the page with the button."""
    return redirect(url_for("models.show", namespace=namespace, name=name))


def _send(person: Person, model: ChurnModel, action: Action, version: int) -> None:
    people = backends().people
    match action:
        case Action.ROLL_BACK:
            people.roll_back_to(person, model.namespace, model.name, version)
        case Action.UNPIN:
            people.roll_back_to(person, model.namespace, model.name, None)
        case Action.APPROVE | Action.PAUSE | Action.RESUME | Action.PROMOTE | Action.ABORT | Action.RETRY:
            value = annotation_value(model, action, version, datetime.now(UTC))
            people.annotate(person, model.namespace, model.name, action, value)
