"""The web app in front of a model in service, and a browser.

A canary is made once and can be had again without a training, so that each test finds it waiting for approval whatever
the others did.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from churn_devcluster.churn_models import Status, settled_on, version
from churn_devcluster.cluster import Devcluster
from churn_devcluster.demo.story import Story, merged
from churn_devcluster.demo.telling import Teller
from churn_devcluster.operator_process import OperatorProcess
from churn_devcluster.webapp_process import WebAppProcess
from churn_trainer.synthetic import write_customers
from playwright.sync_api import Browser, Page, expect, sync_playwright

SECONDS = 400.0
PATIENCE_MILLISECONDS = 120_000
ROWS = 7000
CANDIDATE = 2
CANARY: dict[str, dict[str, Any]] = {
    "training": {"hyperparameters": {"C": 0.3}},
    "rollout": {
        "steps": [
            {"weight": 10, "bake": "1s", "approval": True},
            {"weight": 50, "bake": "1s"},
            {"weight": 100, "bake": "1s"},
        ]
    },
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Silent(Teller):
    """Tells nobody."""

    def __init__(self) -> None:
        super().__init__(as_json=True)

    def milestone(self, name: str, sentence: str, **facts: Any) -> None:
        pass


@dataclass(frozen=True)
class Site:
    """The web app, the ChurnModel behind it, and the tokens of an editor and a viewer."""

    web_app: WebAppProcess
    story: Story
    editor: str
    viewer: str

    @property
    def url(self) -> str:
        """Of the app."""
        return self.web_app.url

    @property
    def model_path(self) -> str:
        """Path of the model's page."""
        return f"/models/{self.story.namespace}/{self.story.name}"

    def status(self) -> Status:
        """Of the ChurnModel."""
        return self.story.models.status(self.story.name)

    def annotations(self) -> dict[str, str]:
        """Of the ChurnModel."""
        return dict((self.story.models.read(self.story.name) or {})["metadata"].get("annotations", {}))


@pytest.fixture(scope="package")
def devcluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Devcluster]:
    """Control plane, S3, Kubeflow Pipelines and the KServe data plane."""
    with Devcluster(tmp_path_factory.mktemp("devcluster")) as running:
        yield running


@pytest.fixture(scope="session")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of 7,000 Telco-like customers."""
    path = tmp_path_factory.mktemp("customers") / "customers.csv"
    write_customers(path, rows=ROWS, seed=13)
    return path


@pytest.fixture(scope="package")
def site(devcluster: Devcluster, customers: Path) -> Iterator[Site]:
    """Version 1 in service, and the web app."""
    story = Story(devcluster, Silent(), customers, f"webapp-{uuid.uuid4().hex[:8]}")
    with OperatorProcess(devcluster, {"CHURN_NAMESPACES": story.namespace}), WebAppProcess(devcluster) as web_app:
        story.prepare()
        story.first_version()
        editor, viewer = (
            web_app.person_token(story.namespace, name, role) for name, role in (("edda", "edit"), ("victor", "view"))
        )
        yield Site(web_app, story, editor, viewer)


@pytest.fixture
def canary(site: Site) -> Site:
    """Version 2 with 10 % of the traffic, waiting for approval."""
    models, name = site.story.models, site.story.name
    models.apply(merged(site.story.manifest, CANARY))
    if version(site.status(), CANDIDATE) and not waits_for_approval(site.status()):
        models.patch(name, {"rollbackTo": 1})
        models.wait(name, settled_on(1), "version 1 to serve", SECONDS)
    models.patch(name, {"rollbackTo": None})
    models.wait(name, waits_for_approval, "version 2 to wait for approval", SECONDS)
    return site


def waits_for_approval(status: Status) -> bool:
    """The candidate's first step is over, and needs a person."""
    rollout = status.get("rollout", {})
    waits = rollout.get("awaiting") == "Approval" and not rollout.get("paused", False)
    return waits and rollout.get("candidate") == CANDIDATE


def browser_program() -> str:
    """Path of Chromium."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("These tests drive a real browser and there is none: `apt-get install chromium` brings it.")
    return found


# Not for the session: Playwright's loop runs in the main thread, where later tests have one of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium."""
    program = browser_program()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A tab of a fresh browser; nothing that it shows may break the content security policy or raise in a script."""
    defects: list[str] = []
    context = browser.new_context(base_url=site.url, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    expect.set_options(timeout=PATIENCE_MILLISECONDS)
    tab = context.new_page()
    tab.on("console", lambda said: defects.append(said.text) if "Content Security Policy" in said.text else None)
    tab.on("pageerror", lambda error: defects.append(str(error)))
    yield tab
    context.close()
    assert defects == []


def log_in(page: Page, token: str) -> None:
    """As a person does."""
    page.goto("/login")
    page.get_by_label("Bearer token for Kubernetes").fill(token)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Log out").wait_for()
