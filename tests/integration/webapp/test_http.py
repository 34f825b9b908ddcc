"""The web app as programs, proxies and attackers meet it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from churn_devcluster.cluster import Devcluster
from churn_devcluster.ports import LOOPBACK, free_port
from churn_devcluster.webapp_process import NAMESPACE, SERVICE_ACCOUNT, WebAppProcess
from churn_webapp.pages.examples import ARTICLE, NAMED

from tests.integration.webapp.conftest import Site

pytestmark = pytest.mark.cluster


@pytest.fixture
def client(site: Site) -> Iterator[httpx.Client]:
    """A client that follows no redirect."""
    with httpx.Client(base_url=site.url, trust_env=False, timeout=120) as made:
        yield made


def token_of(page: httpx.Response) -> str:
    """The token against forgery that a page's forms carry."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def log_in(client: httpx.Client, token: str, following: str = "/") -> httpx.Response:
    form = {"csrf_token": token_of(client.get("/login")), "token": token, "next": following}
    return client.post("/login", data=form)


def test_the_article_s_request(client: httpx.Client) -> None:
    answer = client.post("/predict", json=ARTICLE)
    assert answer.status_code == 200
    body = answer.json()
    assert body["prediction"] == 1
    assert body["answer"] == "likely to churn"
    assert 0.5 < body["probability"] < 1
    assert body["version"] in ("1", "2")


def test_several_customers(client: httpx.Client) -> None:
    answers = client.post("/predict", json={"instances": [ARTICLE, NAMED]}).json()["predictions"]
    assert [one["prediction"] for one in answers] == [1, 0]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Contract": 7}, "Field “Contract”: “7” is not one of the codes 0 (Month-to-month)"),
        ({"tenure": "long"}, "Field “tenure”: “long” is not a number."),
        ({"gender": None}, "Field “gender” is blank."),
    ],
)
def test_an_error_names_the_field(client: httpx.Client, change: dict[str, object], sentence: str) -> None:
    answer = client.post("/predict", json={**ARTICLE, **change})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)


def test_a_program_that_forgets_the_content_type_is_told(client: httpx.Client) -> None:
    answer = client.post("/predict", content=b'{"a": 1}', headers={"content-type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 400
    assert "content-type: application/json" in answer.json()["error"]


def test_a_body_that_is_no_json(client: httpx.Client) -> None:
    answer = client.post("/predict", content=b"{", headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("This is no JSON: ")


def test_a_body_that_is_too_large(client: httpx.Client) -> None:
    answer = client.post("/predict", content=b" " * (17 * 1024 * 1024), headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert "At most 16 MiB" in answer.json()["error"]


def test_a_model_that_there_is_not(client: httpx.Client) -> None:
    answer = client.post("/predict?model=churn/none", json=ARTICLE)
    assert (answer.status_code, answer.json()["error"]) == (404, "There is no ChurnModel none in namespace churn.")


@pytest.mark.parametrize("path", ["/", "/predict", "/login", "/nothing", "/static/style.css", "/healthz"])
def test_every_answer_has_the_security_headers(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_the_session_s_cookie_is_out_of_reach(client: httpx.Client, site: Site) -> None:
    cookie = log_in(client, site.viewer).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("following", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:1"])
def test_a_login_leads_nowhere_else(client: httpx.Client, site: Site, following: str) -> None:
    answer = log_in(client, site.viewer, following)
    assert (answer.status_code, answer.headers["location"]) == (302, "/")


@pytest.mark.parametrize(
    ("token", "sentence"),
    [("nobody", "does not accept this token"), ("", "Paste a token"), ("a b", "no token"), ("x" * 4000, "at most")],
)
def test_a_token_that_is_none(client: httpx.Client, token: str, sentence: str) -> None:
    answer = log_in(client, token)
    assert answer.status_code == 401
    assert sentence in answer.text


def test_no_form_is_taken_without_its_token(client: httpx.Client, site: Site) -> None:
    log_in(client, site.editor)
    before = site.annotations()
    for form in ({"action": "pause:2"}, {"action": "pause:2", "csrf_token": "forged"}):
        assert client.post(f"{site.model_path}/actions", data=form).status_code == 400
    assert site.annotations() == before


def test_an_outdated_button_does_nothing(client: httpx.Client, site: Site) -> None:
    log_in(client, site.editor)
    before = site.annotations()
    form = {"action": "approve:99", "csrf_token": token_of(client.get(site.model_path))}
    answer = client.post(f"{site.model_path}/actions", data=form)
    assert answer.status_code == 409
    assert "nothing was done" in answer.text
    assert site.annotations() == before


def test_the_app_itself_may_change_nothing(site: Site) -> None:
    kubectl = site.story.cluster.kubectl
    person = f"--as=system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
    namespace = f"--namespace={site.story.namespace}"
    allowed = kubectl("auth", "can-i", "--list", person, namespace, "--no-headers")
    own = [line for line in allowed.splitlines() if line.startswith(("churnmodels", "events"))]
    assert own
    assert not re.search("patch|update|create|delete", " ".join(own))


def test_metrics_count_what_was_asked(client: httpx.Client) -> None:
    client.post("/predict", json=ARTICLE)
    told = client.get("/metrics").text
    assert re.search(r'churn_webapp_requests_total\{code="200",endpoint="predict.answer",method="POST"\} [1-9]', told)
    assert "churn_webapp_predicted_customers_total" in told
    assert client.get("/readyz").text == "ok\n"


def test_a_model_that_is_away(devcluster: Devcluster, site: Site) -> None:
    settings = {"CHURN_MODEL_GATEWAY": f"http://{LOOPBACK}:{free_port()}"}
    with WebAppProcess(devcluster, settings) as app:
        answer = httpx.post(f"{app.url}/predict", json=ARTICLE, trust_env=False, timeout=120)
    assert answer.status_code == 503
    assert answer.json() == {
        "error": f"{site.story.name} cannot be reached right now. Try again in a moment.",
    }


def test_a_proxy_forwards_the_person_and_reading_can_ask_for_one(devcluster: Devcluster, site: Site) -> None:
    settings = {
        "CHURN_TOKEN_HEADER": "X-Forwarded-Access-Token",
        "CHURN_LOGIN_REQUIRED": "true",
        "CHURN_MODEL_GATEWAY": devcluster.data_plane.url,
    }
    with WebAppProcess(devcluster, settings) as app:
        stranger = app.person_token("elsewhere", "stranger", "view")
        with httpx.Client(base_url=app.url, trust_env=False, timeout=120) as client:
            pages = {
                name: client.get(site.model_path, headers={"X-Forwarded-Access-Token": token})
                for name, token in {"nobody": "", "stranger": stranger, "viewer": site.viewer}.items()
            }
            predicted = client.post("/predict", json=ARTICLE, headers={"X-Forwarded-Access-Token": site.viewer})
            listed = client.get("/", headers={"X-Forwarded-Access-Token": stranger})
    assert {name: page.status_code for name, page in pages.items()} == {"nobody": 401, "stranger": 403, "viewer": 200}
    assert f"{site.story.namespace}/victor" in pages["viewer"].text
    assert site.model_path not in listed.text
    assert predicted.json()["prediction"] == 1
