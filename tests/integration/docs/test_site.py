"""The documentation site in a real browser: it asks no other host for anything, and its search finds a page."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from playwright.sync_api import Page, expect, sync_playwright

pytestmark = pytest.mark.cluster

PROJECT = Path(__file__).parents[3]
CHROMIUM = "/usr/bin/chromium"
PAGES = ("index", "tutorial", "concepts/gate", "reference/churnmodel")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and logs nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the built site answers."""
    folder = tmp_path_factory.mktemp("site")
    build(load_config(str(PROJECT / "mkdocs.yml"), site_dir=str(folder)))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def browser_page() -> Iterator[Page]:
    """A page of a fresh browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


def test_it_asks_no_other_host_and_finds_what_is_searched(address: str, browser_page: Page) -> None:
    hosts: set[str] = set()
    problems: list[str] = []
    browser_page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    browser_page.on("pageerror", lambda error: problems.append(str(error)))
    for name in PAGES:
        browser_page.goto(f"http://{address}/{name}.html", wait_until="networkidle")
    # The theme heeds keys: a value that is put into the field without them may go unnoticed.
    browser_page.locator(".md-search__input").press_sequentially("rollbackTo")
    expect(browser_page.locator(".md-search-result__item").first).to_be_visible(timeout=60_000)
    assert hosts == {address}
    assert problems == []
