"""The documentation site: it builds without a warning, asks nothing of the outside world, and has every page."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from documentation.__main__ import PAGES, REFERENCE
from documentation.navigation import pages_of

pytestmark = [pytest.mark.unit, pytest.mark.slow]

REPOSITORY = Path(__file__).parents[3]
DOCS = REPOSITORY / "docs"

_FETCHED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src", "object": "data"}
"""What a browser fetches by itself, by tag and attribute. A link that a person follows is none of these."""


class Requests(HTMLParser):
    """Collects what a page asks for when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _FETCHED and values.get("rel") != "canonical":
            self.urls.append(values.get(_FETCHED[tag]) or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site. With --strict, a broken link, a missing anchor or a page that is in no menu is an error."""
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(REPOSITORY / "mkdocs.yml"), strict=True, site_dir=str(folder))
    build(config)
    return folder


def is_foreign(url: str) -> bool:
    """Whether it leads to another host."""
    return re.match(r"(https?:)?//", url) is not None


def test_every_page_is_built(site: Path) -> None:
    pages = {page.relative_to(DOCS) for page in DOCS.rglob("*.md")}
    # mkdocs makes an index of a README.
    built = {site / page.with_name("index.md" if page.name == "README.md" else page.name) for page in pages}
    assert [page for page in built if not page.with_suffix(".html").is_file()] == []


def test_no_page_asks_another_host_for_anything(site: Path) -> None:
    foreign: dict[str, list[str]] = {}
    asked = 0
    for page in site.rglob("*.html"):
        requests = Requests()
        requests.feed(page.read_text())
        asked += len(requests.urls)
        if found := [url for url in requests.urls if is_foreign(url)]:
            foreign[page.name] = found
    assert asked > len(PAGES)
    assert foreign == {}


def test_no_style_or_drawing_asks_another_host_for_anything(site: Path) -> None:
    files = [*site.rglob("*.css"), *site.rglob("*.svg")]
    assert files
    for file in files:
        for url in re.findall(r"(?:url\(|@import\s+|(?:href|src)=)[\"']?([^\"')\s]+)", file.read_text()):
            assert not is_foreign(url), file.name


def test_nothing_makes_the_theme_fetch_mermaid(site: Path) -> None:
    """The theme's script fetches it from a CDN where it meets an element of this class."""
    assert [page.name for page in site.rglob("*.html") if 'class="mermaid"' in page.read_text()] == []


def test_the_reference_pages_are_those_of_the_code() -> None:
    assert REFERENCE.differing() == []


def test_a_folder_s_index_comes_first(tmp_path: Path) -> None:
    (tmp_path / "adr").mkdir()
    for name in ("0002-b.md", "README.md", "0001-a.md", "note.txt"):
        (tmp_path / "adr" / name).touch()
    assert pages_of(tmp_path, "adr/") == ["adr/README.md", "adr/0001-a.md", "adr/0002-b.md"]
