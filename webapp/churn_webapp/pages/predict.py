"""Predictions: the form for people, JSON for programs, and the table of the results."""

from __future__ import annotations

from typing import Any

from churn_report import DataContract
from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect

from churn_webapp.backends import backends
from churn_webapp.errors import InvalidRequest, NotFound, WebappError
from churn_webapp.pages.examples import example
from churn_webapp.pages.models import visible_models
from churn_webapp.pages.session import browser, require_sight
from churn_webapp.prediction.download import csv_lines
from churn_webapp.prediction.prediction import Predicted, Prediction, predict
from churn_webapp.prediction.profit import ACCEPTANCE, CONTACT_COST, CUSTOMER_LIFETIME_VALUE, INCENTIVE_COST, break_even
from churn_webapp.prediction.table import Order, sort, table_page
from churn_webapp.prediction.upload import Upload, parse_json, read_json, read_upload
from churn_webapp.story.churn_model import ChurnModel

blueprint = Blueprint("predict", __name__)
csrf = CSRFProtect()
_MOST_NAMED = 10
NOT_KEPT = {"Cache-Control": "no-store"}
"""Customers stay in no cache, the browser's included."""
ECONOMICS = {
    "clv": CUSTOMER_LIFETIME_VALUE,
    "incentive": INCENTIVE_COST,
    "contact": CONTACT_COST,
    "acceptance": ACCEPTANCE,
    "break_even": break_even(),
}


@blueprint.get("/predict")
def form() -> str:
    """The form; `?example=article` fills it in."""
    wanted = request.args.get("model", "")
    return _form(example(request.args.get("example", "")), wanted, None)


@blueprint.post("/predict")
@csrf.exempt  # type: ignore[untyped-decorator]
def answer() -> ResponseReturnValue:
    """JSON in, JSON out; or the form. A page of another site can send forms, but no JSON, so only forms carry a
    token against forgery."""
    if request.mimetype == "application/json":
        return _answer_json()
    if "csrf_token" not in request.form:
        raise InvalidRequest("Send customers as JSON, with the header “content-type: application/json”.")
    csrf.protect()
    return _answer_form()


@blueprint.get("/results/<identifier>")
def results(identifier: str) -> ResponseReturnValue:
    """The table of one upload."""
    predicted = backends().results.find(browser(), identifier)
    order, descending = _order()
    page = table_page(predicted.predictions, order, descending, request.args.get("page", 1, int))
    shown = render_template(
        "results.html", predicted=predicted, page=page, identifier=identifier, economics=ECONOMICS, orders=Order
    )
    return shown, 200, NOT_KEPT


@blueprint.get("/results/<identifier>.csv")
def download(identifier: str) -> Response:
    """The same, as a file."""
    predicted = backends().results.find(browser(), identifier)
    order, descending = _order()
    lines = csv_lines(predicted, sort(predicted.predictions, order, descending))
    headers = {**NOT_KEPT, "Content-Disposition": 'attachment; filename="churn-predictions.csv"'}
    return Response(lines, mimetype="text/csv", headers=headers)


def chosen_model(wanted: str) -> ChurnModel:
    """The ChurnModel named namespace/name, else the default one, else the only one.

    Raises InvalidRequest naming those that there are, NotFound, or Unavailable.
    """
    key = wanted or backends().settings.default_model
    if key.count("/") == 1:
        namespace, _, name = key.partition("/")
        require_sight(namespace, name)
        return backends().churn_models.read(namespace, name)
    found = visible_models()
    if len(found) == 1 and not key:
        return found[0]
    if not found:
        raise NotFound("There is no ChurnModel yet.")
    why = f"“{key[:80]}” names no model" if key else "There are several models"
    raise InvalidRequest(
        f"{why}: say which by ?model=, one of {', '.join(model.key for model in found[:_MOST_NAMED])}."
    )


def _contract(model: ChurnModel) -> DataContract:
    version = model.stable or model.candidate
    if version is None:
        raise NotFound(f"{model.name} has no version in service yet: {model.sentence}.")
    return backends().reports.contract(version.output_uri)


def _answer_json() -> ResponseReturnValue:
    document = parse_json(request.get_data())
    model = chosen_model(request.args.get("model", ""))
    contract = _contract(model)
    upload = read_json(document, contract, backends().settings.max_rows)
    predicted = predict(backends().models, model, contract, upload)
    if predicted.problems:
        # A program wants all of its customers answered or to know why not.
        raise InvalidRequest(predicted.problems[0].sentence)
    answers = [_as_json(prediction) for prediction in predicted.predictions]
    if upload.single:
        return jsonify({**answers[0], "model": model.key})
    return jsonify({"predictions": answers, "model": model.key})


def _as_json(prediction: Prediction) -> dict[str, Any]:
    """`prediction` is the article's: 1 for churn, 0 for none."""
    return {
        "prediction": int(prediction.churns),
        "answer": prediction.answer,
        "class": prediction.label,
        "probability": prediction.probability,
        "expected_profit": round(prediction.profit, 2),
        "version": prediction.version,
    }


def _answer_form() -> ResponseReturnValue:
    text, wanted = request.form.get("customers", ""), request.form.get("model", "")
    try:
        predicted = _predict_form(text, wanted)
    except WebappError as error:
        # Its sentence may have a customer's value in it, and customers are written nowhere.
        current_app.logger.info("not predicted: %s", type(error).__name__)
        return _form(text, wanted, error), error.status
    identifier = backends().results.keep(browser(), predicted)
    session.modified = True
    return redirect(url_for("predict.results", identifier=identifier), code=303)


def _predict_form(text: str, wanted: str) -> Predicted:
    model = chosen_model(wanted)
    contract = _contract(model)
    upload = read_upload(_sent(text), contract, backends().settings.max_rows)
    return predict(backends().models, model, contract, _alone(upload))


def _sent(text: str) -> bytes:
    """The file's content, or the text."""
    file = request.files.get("file")
    if file is None or not file.filename:
        return text.encode()
    content: bytes = file.read()
    if text.strip() and content:
        raise InvalidRequest("There are a file and pasted customers: empty one of them.")
    return content


def _alone(upload: Upload) -> Upload:
    """One customer is one customer, however it was sent."""
    return Upload(upload.columns, upload.rows, single=len(upload.rows) == 1)


def _form(text: str, wanted: str, error: WebappError | None) -> str:
    settings = backends().settings
    models, wanted = visible_models(), wanted or settings.default_model
    meant = [model for model in models if model.key == wanted] or models
    return render_template(
        "predict.html",
        models=models,
        wanted=wanted,
        telco=any(model.spec.has_telco_columns for model in meant),
        text=text,
        error=error,
        most_rows=settings.max_rows,
        most_bytes=settings.max_upload_bytes,
    )


def _order() -> tuple[Order, bool]:
    wanted = request.args.get("sort", Order.RISK)
    order = Order(wanted) if wanted in list(Order) else Order.RISK
    return order, request.args.get("direction", "descending") != "ascending"
