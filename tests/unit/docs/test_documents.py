"""README and the other documents against the project: links lead somewhere, and what is said to be missing is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from churn_operator.api.v1alpha1.availability import NOT_YET_AVAILABLE

REPOSITORY = Path(__file__).parents[3]
DOCUMENTS = sorted(
    [
        *REPOSITORY.glob("*.md"),
        *(path for folder in ("docs", "trainer", "serving") for path in (REPOSITORY / folder).rglob("*.md")),
    ]
)


def name_of(document: Path) -> str:
    return str(document.relative_to(REPOSITORY))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_its_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing == []


def test_the_index_has_every_decision() -> None:
    folder = REPOSITORY / "docs" / "adr"
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_the_readme_names_what_is_not_available_and_nothing_else() -> None:
    paragraph = re.search(
        r"^\*\*Not available yet\*\*(.*?)\n\n", (REPOSITORY / "README.md").read_text(), re.DOTALL | re.MULTILINE
    )
    assert paragraph is not None
    named = {_field(words) for words in re.findall(r"`([^`]+)`", paragraph[1])}
    refused = {_field(sentence) for _, sentence in NOT_YET_AVAILABLE}
    assert named == refused


def _field(words: str) -> str:
    """`rollout.hooks is not …` and `triggers.specChange: false` without what follows the field's path."""
    return re.split(r"[ :]", words, maxsplit=1)[0]
