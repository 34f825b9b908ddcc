"""Who is looking: the token of the login, or the one that a proxy forwards."""

from __future__ import annotations

import secrets

from flask import Blueprint, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from churn_webapp.backends import backends
from churn_webapp.cluster.person import Person, refusal
from churn_webapp.errors import Forbidden, LoginNeeded, WebappError
from churn_webapp.story.churn_model import ChurnModel
from churn_webapp.story.story import Permission

blueprint = Blueprint("session", __name__)

_LONGEST_TOKEN = 3300
"""It stands in the session's cookie, beside a refusal with the person's name; browsers drop one of more than 4096
bytes."""


def current_person() -> Person | None:
    """Who is logged in. A login whose token has ended is no login. Raises Unavailable."""
    header = backends().settings.token_header
    token = request.headers.get(header, "").removeprefix("Bearer ").strip() if header else session.get("token")
    if not token:
        return None
    try:
        return backends().people.identify(token)
    except LoginNeeded:
        session.pop("token", None)
        return None


def require_person() -> Person:
    """Raises LoginNeeded if nobody is logged in."""
    person = current_person()
    if person is None:
        raise LoginNeeded("Log in first: then Kubernetes decides what you may change.")
    return person


def permission(model: ChurnModel) -> Permission:
    """Whether the one who looks may change this ChurnModel."""
    try:
        person = current_person()
        if person is None:
            return Permission(False, "Log in to use these buttons.")
        if backends().people.may(person, "patch", model.namespace, model.name):
            return Permission(True)
        return Permission(False, refusal(person, model.namespace))
    except WebappError as error:
        return Permission(False, error.sentence)


def require_sight(namespace: str, name: str) -> None:
    """With `login_required`, raises LoginNeeded or Forbidden for who may not see this ChurnModel."""
    if not backends().settings.login_required:
        return
    person = require_person()
    if not backends().people.may(person, "get", namespace, name):
        raise Forbidden(f"{person.short_name} may not see ChurnModel {name} in namespace {namespace}.")


def browser() -> str:
    """An identifier of this browser's session."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(16)
    return str(session["browser"])


@blueprint.get("/login")
def login() -> str:
    """The form."""
    return render_template("login.html", following=_local(request.args.get("next")), error=None)


@blueprint.post("/login")
def log_in() -> Response | tuple[str, int]:
    """Ask Kubernetes whose token it is."""
    token = request.form.get("token", "").strip().removeprefix("Bearer ")
    following = _local(request.form.get("next"))
    try:
        _require_readable(token)
        backends().people.identify(token)
    except WebappError as error:
        return render_template("login.html", following=following, error=error.sentence), error.status
    kept = browser()
    session.clear()
    session.permanent = True
    session["browser"] = kept
    session["token"] = token
    return redirect(following)


@blueprint.post("/logout")
def log_out() -> Response:
    """Forget the token."""
    session.clear()
    return redirect(url_for("models.overview"))


def _require_readable(token: str) -> None:
    if not token:
        raise LoginNeeded("Paste a token.")
    if len(token) > _LONGEST_TOKEN:
        raise LoginNeeded(f"The token has {len(token)} characters; at most {_LONGEST_TOKEN} fit into a session.")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise LoginNeeded("This is no token: it has spaces, line breaks or other characters that tokens do not have.")


def _local(path: str | None) -> str:
    """A path of this app, whatever was asked for."""
    usable = path is not None and path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if usable and path is not None else url_for("models.overview")
