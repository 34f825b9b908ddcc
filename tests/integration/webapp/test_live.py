"""The page of a ChurnModel that changes, and goes, while somebody reads it. What writes its status here is the test."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from churn_devcluster.churn_models import ChurnModels
from churn_devcluster.waiting import wait_until
from churn_operator.api.reading import write_status
from playwright.sync_api import Page, expect

from tests.integration.api.specs import MINIMAL
from tests.integration.webapp.conftest import Site
from tests.unit.api.statuses import FULL

pytestmark = pytest.mark.cluster

NAME = "read"
SECONDS = 120.0


@dataclass(frozen=True)
class Read:
    """A ChurnModel that no operator looks at."""

    models: ChurnModels

    @property
    def path(self) -> str:
        """Of its page."""
        return f"/models/{self.models.namespace}/{NAME}"

    def write(self, **changes: Any) -> None:
        """Its whole status, with these changes."""
        patch = json.dumps({"status": {**write_status(FULL), **changes}})
        self.models.cluster.kubectl(
            "patch", "churnmodel", NAME, "--subresource=status", "--type=merge", f"--patch={patch}",
            f"--namespace={self.models.namespace}",
        )  # fmt: skip


@pytest.fixture
def read(site: Site) -> Iterator[Read]:
    """It is gone afterwards, and the web app has seen that: other tests ask the only model that there is."""
    models = ChurnModels(site.story.cluster, f"read-{uuid.uuid4().hex[:8]}")
    site.story.cluster.control_plane.create_namespace(models.namespace)
    manifest = {
        "apiVersion": "churnops.dev/v1alpha1",
        "kind": "ChurnModel",
        "metadata": {"name": NAME},
        "spec": MINIMAL,
    }
    models.apply(manifest)
    yield Read(models)
    if models.read(NAME) is not None:
        models.delete(NAME)
    wait_until(
        lambda: models.namespace not in httpx.get(site.url, trust_env=False, timeout=60).text,
        "the page to forget",
        SECONDS,
    )


def test_who_reads_a_table_goes_on_reading_it_when_a_panel_comes(page: Page, read: Read) -> None:
    rollout = write_status(FULL)["rollout"]
    read.write(rollout={**rollout, "analysis": None})
    page.goto(read.path)
    table = page.get_by_role("region", name="Table: conditions")
    table.focus()
    expect(page.get_by_role("heading", name="Live traffic")).to_have_count(0)
    changed = [{**each, "message": "Something else."} for each in write_status(FULL)["conditions"]]
    read.write(conditions=changed)
    expect(page.get_by_role("heading", name="Live traffic")).to_be_visible()
    expect(table).to_contain_text("Something else.")
    expect(table).to_be_focused()
    headings = page.get_by_role("main").get_by_role("heading", level=2).all_inner_texts()
    assert headings.index("Rollout") + 1 == headings.index("Live traffic") == headings.index("Versions") - 1
    read.write(rollout={**rollout, "analysis": None})
    expect(page.get_by_role("heading", name="Live traffic")).to_have_count(0)
    expect(table).to_be_focused()


def test_a_churn_model_that_is_deleted_meanwhile_is_said_to_be_gone(page: Page, read: Read) -> None:
    read.write()
    page.goto(read.path)
    expect(page.locator("#stale")).to_be_hidden()
    read.models.delete(NAME)
    expect(page.locator("#stale")).to_contain_text(
        f"There is no ChurnModel {NAME} in namespace {read.models.namespace}."
    )
    expect(page.get_by_role("heading", level=1)).to_have_text(NAME)
