"""The list of ChurnModels, and the page of each."""

from __future__ import annotations

from datetime import UTC, datetime

from churn_report import Report
from flask import Blueprint, Response, make_response, render_template, request

from churn_webapp.backends import backends
from churn_webapp.charts.report_plots import ReportPlots, report_plots
from churn_webapp.errors import NotFound, Unavailable, WebappError
from churn_webapp.pages.session import current_person, permission, require_person, require_sight
from churn_webapp.story.churn_model import ChurnModel, Event
from churn_webapp.story.panels import PANELS
from churn_webapp.story.story import Story, shown_versions

blueprint = Blueprint("models", __name__)
_SHOWN_EVENTS = 30


@blueprint.get("/")
def overview() -> str:
    """Every ChurnModel in a line."""
    return render_template("models.html", models=visible_models(), now=datetime.now(UTC))


@blueprint.get("/models")
def rows() -> Response:
    """The part of it that is refreshed."""
    return _if_changed(render_template("models_list.html", models=visible_models(), now=datetime.now(UTC)))


@blueprint.get("/models/<namespace>/<name>")
def show(namespace: str, name: str) -> str:
    """The page of one."""
    return render_template("model.html", story=read_story(namespace, name), panels=PANELS)


@blueprint.get("/models/<namespace>/<name>/story")
def story(namespace: str, name: str) -> Response:
    """The part of it that is refreshed."""
    return _if_changed(render_template("story.html", story=read_story(namespace, name), panels=PANELS))


def visible_models() -> tuple[ChurnModel, ...]:
    """Those that the one who looks may see. Raises LoginNeeded or Unavailable."""
    found = backends().churn_models.read_all()
    if not backends().settings.login_required:
        return found
    person, people = require_person(), backends().people
    return tuple(model for model in found if people.may(person, "get", model.namespace, model.name))


def read_story(namespace: str, name: str) -> Story:
    """Everything that the page shows. Raises Forbidden, LoginNeeded, NotFound or Unavailable."""
    require_sight(namespace, name)
    model = backends().churn_models.read(namespace, name)
    plots, absent = _plots(model)
    return Story(
        model=model,
        events=_events(namespace, name),
        permission=permission(model),
        plots=plots,
        plots_absent=absent,
        now=datetime.now(UTC),
    )


def _if_changed(page: str) -> Response:
    """The page, or 304 where the browser has the same already: every page that is open asks every two seconds."""
    response = make_response(page)
    response.vary.add("Cookie")
    response.add_etag()
    response.make_conditional(request)
    return response


def _events(namespace: str, name: str) -> tuple[Event, ...]:
    try:
        return backends().churn_models.events(namespace, name)[:_SHOWN_EVENTS]
    except Unavailable:
        # The rest of the page is worth showing; the panel says that there are none.
        return ()


def _plots(model: ChurnModel) -> tuple[ReportPlots | None, str]:
    """The plots, or why there are none; an empty sentence while there is no version."""
    versions = shown_versions(model)
    reports: list[tuple[int, Report]] = []
    absent = ""
    for version in versions:
        try:
            reports.append((version.number, backends().reports.report(version.output_uri)))
        except (NotFound, Unavailable) as error:
            absent = f"The report of version {version.number} cannot be shown. {error.sentence}"
    return (report_plots(reports) if reports else None), absent


@blueprint.app_context_processor
def person() -> dict[str, object]:
    """The name in the page's head, and where a login leads back to."""
    here = "/" if request.path == "/login" else request.full_path.rstrip("?")
    known = {"path": request.path, "here": here, "proxied": bool(backends().settings.token_header)}
    try:
        return {**known, "person": current_person()}
    except WebappError:
        return {**known, "person": None}
