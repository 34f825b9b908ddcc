"""What the pages say of a ChurnModel in each state."""

from __future__ import annotations

import html
import json
import random
import re
import string
from pathlib import Path

import churn_webapp
import pytest
from churn_report import (
    Artifact,
    CalibrationBin,
    ConfusionMatrix,
    Curve,
    DatasetSummary,
    Outcome,
    Report,
)
from churn_webapp.pages.session import _LONGEST_TOKEN
from churn_webapp.story.churn_model import Event

from tests.unit.webapp.contracts import CUSTOMER
from tests.unit.webapp.objects import CREATED, canary, churn_model, version
from tests.unit.webapp.pages import Cluster, client_of

PAGE = "/models/churn/model"
BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
TEMPLATES = sorted((Path(churn_webapp.__file__).parent / "templates").rglob("*.html"))
REPORT = Report(
    outcome=Outcome.SUCCEEDED,
    key="k",
    created=CREATED,
    code_version="1",
    dataset=DatasetSummary(
        uri="s3://a/b", digest="d", rows=10, train_rows=8, holdout_rows=2, positive_share=0.3, holdout_sha256="0"
    ),
    metrics={"rocAuc": 0.85, "expectedCalibrationError": 0.02},
    roc=Curve(x=(0, 0.2, 1), y=(0, 0.8, 1), thresholds=(1, 0.5, 0)),
    calibration=(CalibrationBin(mean_predicted=0.2, observed_share=0.25, count=1234),),
    confusion=ConfusionMatrix(
        threshold=0.5, true_negatives=741, false_positives=75, false_negatives=142, true_positives=158
    ),
    artifacts=(Artifact(path="model/model.joblib", sha256="0" * 64, size_bytes=1),),
)


def test_the_list_has_every_model() -> None:
    page = client_of(Cluster([churn_model(), canary()])).get("/").text
    assert page.count('class="card model"') == 2
    assert 'aria-label="Traffic: version 1 90 percent, version 2 10 percent"' in page


def test_the_list_without_models_says_how_one_comes() -> None:
    assert "kubectl apply" in client_of(Cluster([])).get("/").text


def test_what_kubernetes_holds_is_text_and_never_markup() -> None:
    item = churn_model(status={"conditions": [{"type": "Ready", "status": "True", "message": "<script>x</script>"}]})
    page = client_of(Cluster([item])).get(PAGE).text
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_a_canary_shows_its_steps() -> None:
    page = client_of(Cluster([canary(awaiting="Approval")])).get(PAGE).text
    assert 'aria-current="step"' in page
    assert "waits for approval" in page


def test_checks_of_live_traffic_are_shown_with_value_and_threshold() -> None:
    check = {"name": "errorRatio", "verdict": "Failed", "value": 0.0421, "threshold": 0.005, "samples": 1500}
    analysis = {"verdict": "Failed", "looks": 3, "failed": 1, "checks": [{**check, "message": "too many errors"}]}
    page = client_of(Cluster([canary(analysis=analysis)])).get(PAGE).text
    for shown in ("error ratio", "0.0421", "0.0050", "1,500", "too many errors", "after 3 looks, 1 of them"):
        assert shown in page


def test_the_gate_is_shown_with_bounds_and_interval() -> None:
    verdict = {
        "metric": "rocAuc",
        "check": "Champion",
        "value": 0.001,
        "minimum": -0.005,
        "lower": -0.002,
        "upper": 0.004,
        "confidence": 0.95,
        "passed": True,
        "message": "no worse than version 1",
    }
    status = {"versions": [version(1, "Stable", promoted=CREATED, gate=[verdict])]}
    page = client_of(Cluster([churn_model(status=status)])).get(PAGE).text
    for shown in ("ROC AUC", "-0.0050", "-0.0020 to 0.0040", "(95 % each)", "no worse than version 1"):
        assert shown in page


def test_plots_are_drawn_and_told() -> None:
    page = client_of(Cluster([churn_model()], report=REPORT)).get(PAGE).text
    assert 'aria-label="ROC curve: true positive rate against false positive rate. Version 1, area 0.850. "' in page
    assert "158 customers churned and were predicted as churns" in page
    assert "1,234" in page


def test_a_report_that_is_missing_costs_the_plots_only() -> None:
    answer = client_of(Cluster([churn_model()])).get(PAGE)
    assert answer.status_code == 200
    assert "The report of version 1 cannot be shown." in answer.text
    assert "ROC curve" not in answer.text


def test_a_report_without_a_roc_curve_costs_that_plot_only() -> None:
    """A pipeline of somebody else's may have written the report."""
    report = REPORT.model_copy(update={"roc": None})
    answer = client_of(Cluster([churn_model()], report=report)).get(PAGE)
    assert answer.status_code == 200
    assert "ROC curve:" not in answer.text
    assert "Calibration:" in answer.text


def test_metrics_over_versions_need_two() -> None:
    assert "Metrics over versions" not in client_of(Cluster([churn_model()])).get(PAGE).text
    page = client_of(Cluster([canary()])).get(PAGE).text
    assert "ROC AUC, higher is better. version 1: 0.8410, version 2: 0.8420." in page


def test_events_are_shown() -> None:
    event = Event(type="Warning", reason="GateRejected", message="not served", count=3, last_seen=CREATED)
    page = client_of(Cluster([churn_model()], events=(event,))).get(PAGE).text
    assert "GateRejected" in page
    assert "(3 times)" in page


def test_the_fragment_is_the_page_s_middle() -> None:
    client = client_of(Cluster([canary()]))
    fragment = client.get(f"{PAGE}/story").text
    assert "<html" not in fragment
    assert fragment.count("data-region=") == client.get(PAGE).text.count("data-region=")


@pytest.mark.parametrize("refreshed", ["/models", f"{PAGE}/story"])
def test_a_refresh_is_sent_only_when_something_is_different(refreshed: str) -> None:
    cluster = Cluster([canary()])
    client = client_of(cluster)
    known = {"If-None-Match": client.get(refreshed).headers["ETag"]}
    unchanged = client.get(refreshed, headers=known)
    assert (unchanged.status_code, unchanged.text) == (304, "")
    cluster.items[:] = [churn_model()]
    assert client.get(refreshed, headers=known).status_code == 200


def test_an_api_server_that_is_away_is_said() -> None:
    client = client_of(Cluster([], away=True))
    assert client.get("/").status_code == 503
    assert "does not answer" in client.get("/").text
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_a_defect_is_a_sentence_and_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster([churn_model()])
    monkeypatch.setattr(cluster, "items", [{"metadata": {}}])
    answer = client_of(cluster).get("/")
    assert answer.status_code == 500
    assert "Traceback" not in answer.text
    assert "KeyError" not in answer.text


def test_a_button_sends_the_person_s_wish_once() -> None:
    cluster = Cluster([canary(awaiting="Approval")])
    client = client_of(cluster)
    client.post("/login", data={"token": "edda"})
    answer = client.post(f"{PAGE}/actions", data={"action": "approve:2"}, follow_redirects=True)
    assert cluster.changes == [("edda", "churn", "model", "approve", "2")]
    assert "Version 2 is approved." in answer.text


def test_nobody_acts_without_a_login() -> None:
    cluster = Cluster([canary()])
    answer = client_of(cluster).post(f"{PAGE}/actions", data={"action": "approve:2"})
    assert answer.status_code == 401
    assert cluster.changes == []


def test_a_login_that_a_button_asked_for_leads_back_to_the_button() -> None:
    client = client_of(Cluster([canary()]))
    refused = client.post(f"{PAGE}/actions", data={"action": "approve:2"}, headers=BROWSER)
    following = re.findall(r'href="(/login\?next=[^"]+)"', refused.text)
    form = client.get(html.unescape(following[-1]))
    wanted = html.unescape(re.findall('name="next" value="([^"]+)"', form.text)[0])
    shown = client.post("/login", data={"token": "edda", "next": wanted}, follow_redirects=True)
    assert (shown.status_code, shown.request.path) == (200, PAGE)


def test_a_login_keeps_what_was_asked_for() -> None:
    page = client_of(Cluster([churn_model()])).get("/predict?model=churn/model").text
    assert 'href="/login?next=/predict?model%3Dchurn/model"' in page
    assert 'href="/login?next=/"' in client_of(Cluster([])).get("/login").text


def test_a_suspended_model_offers_no_way_back() -> None:
    versions = [version(1, "Superseded", promoted=CREATED), version(2, "Stable", promoted=CREATED)]
    item = churn_model(spec={"suspend": True}, status={"versions": versions, "rollout": {"stable": 2}})
    assert "Roll back to version 1" not in client_of(Cluster([item])).get(PAGE).text
    item["spec"]["suspend"] = False
    assert "Roll back to version 1" in client_of(Cluster([item])).get(PAGE).text


def test_a_log_out_ends_it() -> None:
    cluster = Cluster([canary()])
    client = client_of(cluster)
    client.post("/login", data={"token": "edda"})
    client.post("/logout")
    assert client.post(f"{PAGE}/actions", data={"action": "approve:2"}).status_code == 401


def test_predictions_are_kept_in_no_cache() -> None:
    client = client_of(Cluster([churn_model()]))
    token = re.findall('name="csrf_token" value="([^"]+)"', client.get("/predict").text)[0]
    shown = client.post("/predict", data={"csrf_token": token, "customers": json.dumps([CUSTOMER] * 2)})
    page = client.get(shown.headers["location"])
    file = client.get(f"{shown.headers['location']}.csv")
    assert page.headers["cache-control"] == file.headers["cache-control"] == "no-store"
    assert (
        file.text.splitlines()[0]
        == "SeniorCitizen,Contract,tenure,TotalCharges,churn,probability,expected_profit,version"
    )


def test_the_longest_token_fits_into_a_cookie() -> None:
    dice = random.Random(7)
    token = "".join(dice.choices(string.ascii_letters + string.digits + "-_.", k=_LONGEST_TOKEN))
    person = "".join(dice.choices(string.ascii_lowercase, k=126))
    cluster = Cluster([canary()], name=person, editors=())
    client = client_of(cluster, secure_cookies=True)
    client.get("/login", base_url="https://localhost")
    client.post("/login", data={"token": token}, base_url="https://localhost")
    refused = client.post(f"{PAGE}/actions", data={"action": "approve:2"}, base_url="https://localhost")
    assert 3500 < len(refused.headers["set-cookie"]) < 4093


@pytest.mark.parametrize(("probability", "answer"), [(0.75, "likely to churn"), (0.25, "not likely to churn")])
def test_a_prediction_in_words(probability: float, answer: str) -> None:
    told = client_of(Cluster([churn_model()], probability=probability)).post("/predict", json=CUSTOMER).get_json()
    assert told["answer"] == answer
    assert told["prediction"] == int(probability > 0.5)


@pytest.mark.parametrize(
    "body", ["[" * 100_000, "{", '{"tenure": ' + "9" * 5000 + "}", '{"customerID": "\\ud800"}', b"\xff"]
)
def test_a_body_that_is_no_json_of_customers_is_told_so(body: str | bytes) -> None:
    client = client_of(Cluster([churn_model()]))
    answer = client.post("/predict", data=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert "JSON" in answer.get_json()["error"]


def test_a_model_without_its_namespace_is_not_found_out_by_a_defect() -> None:
    answer = client_of(Cluster([churn_model()])).post("/predict?model=model", json=CUSTOMER)
    assert answer.status_code == 400
    assert answer.get_json()["error"] == "“model” names no model: say which by ?model=, one of churn/model."


def test_a_program_that_says_nothing_of_formats_gets_a_sentence_and_no_page() -> None:
    client = client_of(Cluster([churn_model()]))
    answer = client.post("/predict", data=CUSTOMER, headers={"accept": "*/*"})
    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert client.get("/nothing", headers=BROWSER).mimetype == "text/html"


def test_a_refused_customer_stands_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    client = client_of(Cluster([churn_model()]))
    token = re.findall('name="csrf_token" value="([^"]+)"', client.get("/predict").text)[0]
    with caplog.at_level("INFO"):
        answer = client.post(
            "/predict", data={"csrf_token": token, "customers": json.dumps({**CUSTOMER, "tenure": "Jane Doe"})}
        )
    assert "Jane Doe" in answer.text
    assert "Jane Doe" not in caplog.text
    assert "InvalidCustomer" in caplog.text


def test_invented_methods_make_no_time_series() -> None:
    client = client_of(Cluster([]))
    client.open("/", method="BREW")
    told = client.get("/metrics").text
    assert 'method="other"' in told
    assert "BREW" not in told


def test_where_there_is_no_model_there_is_no_form_to_ask_it() -> None:
    page = client_of(Cluster([])).get("/predict").text
    assert "There is no ChurnModel yet" in page
    assert "<textarea" not in page


def test_examples_are_for_models_that_understand_them() -> None:
    assert "Fill in an example" in client_of(Cluster([churn_model()])).get("/predict").text
    item = churn_model(spec={"dataset": {"columns": [{"name": "Age", "kind": "number"}]}})
    assert "Fill in an example" not in client_of(Cluster([item])).get("/predict").text


def test_one_of_several_models_has_to_be_named() -> None:
    other = churn_model()
    other["metadata"]["name"] = "other"
    client = client_of(Cluster([churn_model(), other]))
    answer = client.post("/predict", json=CUSTOMER)
    assert (answer.status_code, "churn/model, churn/other" in answer.get_json()["error"]) == (400, True)
    assert client.post("/predict?model=churn/other", json=CUSTOMER).get_json()["model"] == "churn/other"


def test_the_default_model_needs_no_name() -> None:
    other = churn_model()
    other["metadata"]["name"] = "other"
    client = client_of(Cluster([churn_model(), other]), default_model="churn/other")
    assert client.post("/predict", json=CUSTOMER).get_json()["model"] == "churn/other"


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_writes_code_or_style_into_a_page(template: Path) -> None:
    """The content security policy would switch it off, and `safe` would let markup through."""
    text = template.read_text()
    for forbidden in (" style=", "onclick=", "<style", "javascript:", "| safe", "|safe"):
        assert forbidden not in text
