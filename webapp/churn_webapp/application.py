"""The Flask application."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime, timedelta
from http import HTTPMethod, HTTPStatus

from flask import Flask, Response, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from churn_webapp import security
from churn_webapp.backends import Backends, attach
from churn_webapp.errors import InvalidRequest, NotFound, TooLarge, WebappError
from churn_webapp.formats import FILTERS
from churn_webapp.metrics import REQUESTS, SECONDS
from churn_webapp.pages import actions, health, models, predict, session
from churn_webapp.settings import Settings

_METHODS = frozenset(HTTPMethod)


def create_app(settings: Settings, backends: Backends | None = None) -> Flask:
    """The app, with its own connections unless some are given.

    Raises:
        ValueError: a setting cannot be used; the message names it.
    """
    app = Flask("churn_webapp")
    app.config.update(_configuration(settings))
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    attach(app.extensions, backends or Backends.of(settings))
    predict.csrf.init_app(app)
    for page in (models, actions, predict, session, health):
        app.register_blueprint(page.blueprint)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    _watch_requests(app)
    _explain_errors(app)
    return app


def _configuration(settings: Settings) -> dict[str, object]:
    return {
        "SECRET_KEY": settings.secret_key or secrets.token_urlsafe(32),
        "SESSION_COOKIE_NAME": "__Host-churn" if settings.secure_cookies else "churn",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "SESSION_COOKIE_SAMESITE": "Strict",
        "PERMANENT_SESSION_LIFETIME": timedelta(minutes=settings.session_minutes),
        "MAX_CONTENT_LENGTH": settings.max_upload_bytes,
        "MAX_FORM_MEMORY_SIZE": settings.max_upload_bytes,
        "MAX_FORM_PARTS": 20,
        # A page may stay open all day; the token ends with the session.
        "WTF_CSRF_TIME_LIMIT": None,
    }


def _watch_requests(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        # Anybody may invent methods, and each would be a time series.
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(endpoint, method, str(response.status_code)).inc()
        SECONDS.labels(endpoint).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        return security.secured(response, request.is_secure)


def _explain_errors(app: Flask) -> None:
    @app.errorhandler(WebappError)
    def explained(error: WebappError) -> ResponseReturnValue:
        return _explain(error)

    @app.errorhandler(CSRFError)
    def forged(_: CSRFError) -> ResponseReturnValue:
        return _explain(InvalidRequest("The form is from another session. Go back, reload the page, and try again."))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> ResponseReturnValue:
        return _explain(_of_http(error, app.config["MAX_CONTENT_LENGTH"]), error.code)

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> ResponseReturnValue:
        app.logger.error("%s %s failed", request.method, request.path, exc_info=error)
        return _explain(WebappError("This is a defect of the web app; its log has the details."))


def _of_http(error: HTTPException, most_bytes: int) -> WebappError:
    match error.code:
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return TooLarge(f"At most {most_bytes // 1024 // 1024} MiB are taken at once. Split the file.")
        case HTTPStatus.NOT_FOUND:
            return NotFound("There is no such page.")
        case _:
            return InvalidRequest(error.description or "The request cannot be answered.")


def _explain(error: WebappError, code: int | None = None) -> ResponseReturnValue:
    status = code or int(error.status)
    if _wants_json():
        return jsonify({"error": error.sentence}), status
    return render_template("error.html", error=error, status=status, now=datetime.now(UTC)), status


def _wants_json() -> bool:
    """A browser asks for text/html by name; curl and programs that forget to say what they want do not."""
    if request.mimetype == "application/json":
        return True
    return "text/html" not in {kind for kind, _ in request.accept_mimetypes}
