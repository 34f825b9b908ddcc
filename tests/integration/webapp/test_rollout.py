"""A canary in a real browser: watched, approved, refused, paused, and gone back from."""

from __future__ import annotations

import pytest
from churn_devcluster.churn_models import settled_on
from churn_devcluster.waiting import wait_until
from playwright.sync_api import Page, expect

from tests.integration.webapp.conftest import CANDIDATE, SECONDS, Site, log_in, waits_for_approval

pytestmark = pytest.mark.cluster

MILLISECONDS = SECONDS * 1000


def test_a_canary_moves_in_the_page_once_it_is_approved_there(page: Page, canary: Site) -> None:
    log_in(page, canary.editor)
    page.goto(canary.model_path)
    traffic = page.get_by_role("img", name="Traffic:")
    expect(traffic).to_have_attribute("aria-label", "Traffic: version 1 90 percent, version 2 10 percent")
    expect(page.get_by_role("list", name="Steps of the rollout of version 2")).to_contain_text("waits for approval")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("main")).to_contain_text("Version 2 is approved.")
    page.evaluate("window.notReloaded = true")
    expect(traffic).to_have_attribute("aria-label", "Traffic: version 2 100 percent", timeout=MILLISECONDS)
    expect(page.get_by_text("Serving", exact=True)).to_be_visible(timeout=MILLISECONDS)
    expect(page.locator("#announcement")).to_contain_text("Traffic: v2 100%.")
    expect(page.get_by_role("main")).to_contain_text("Promoted version 2 is in service")
    assert page.evaluate("window.notReloaded") is True


def test_who_may_only_look_is_refused_with_a_sentence(page: Page, canary: Site) -> None:
    before = canary.annotations()
    log_in(page, canary.viewer)
    page.goto(canary.model_path)
    button = page.get_by_role("button", name="Approve")
    expect(button).to_have_attribute("aria-disabled", "true")
    button.click(force=True)
    refusal = f"{canary.story.namespace}/victor may not change ChurnModels in namespace {canary.story.namespace}."
    expect(page.get_by_role("alert")).to_contain_text(f"{refusal} Nothing was changed.")
    assert canary.annotations() == before
    assert waits_for_approval(canary.status())


def test_who_is_not_logged_in_is_asked_to(page: Page, canary: Site) -> None:
    page.goto(canary.model_path)
    expect(page.get_by_role("main")).to_contain_text("Log in to use these buttons.")
    page.get_by_role("button", name="Approve").click(force=True)
    expect(page.get_by_role("heading", level=1)).to_have_text("Please log in")


def test_a_rollout_is_paused_and_resumed(page: Page, canary: Site) -> None:
    log_in(page, canary.editor)
    page.goto(canary.model_path)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click(timeout=MILLISECONDS)
    expect(page.get_by_role("button", name="Pause")).to_be_visible(timeout=MILLISECONDS)


def test_the_way_back_and_forth(page: Page, canary: Site) -> None:
    models, name = canary.story.models, canary.story.name
    log_in(page, canary.editor)
    page.goto(canary.model_path)
    page.get_by_role("button", name="Promote now").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Version 2 gets all of the traffic as soon as it is ready.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Promote now")).to_be_focused()
    page.get_by_role("button", name="Promote now").click()
    dialog.get_by_role("button", name="Promote now").click()
    models.wait(name, settled_on(CANDIDATE), "version 2 to be promoted", SECONDS)
    page.get_by_role("button", name="Roll back to version 1").click(timeout=MILLISECONDS)
    dialog.get_by_role("button", name="Roll back").click()
    models.wait(name, settled_on(1), "version 1 to serve again", SECONDS)
    expect(page.get_by_text("Version 1 is pinned by")).to_be_visible(timeout=MILLISECONDS)
    page.get_by_role("button", name="Go on with the newest version").click()
    dialog.get_by_role("button", name="Go on with the newest version").click()
    wait_until(lambda: waits_for_approval(canary.status()), "version 2 to wait for approval again", SECONDS)


def test_the_page_works_with_the_keyboard_alone(page: Page, site: Site) -> None:
    page.goto(site.model_path)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_the_window(page: Page, site: Site, scheme: str, width: int) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", "/predict", "/login", site.model_path):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
