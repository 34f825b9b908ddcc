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
        *(
            document
            for folder in REPOSITORY.iterdir()
            if folder.is_dir() and not folder.name.startswith(".") and folder.name != "dist"
            for document in folder.rglob("*.md")
        ),
    ]
)
"""Every document but those of tools and of builds."""


def name_of(document: Path) -> str:
    return str(document.relative_to(REPOSITORY))


def links_of(document: Path) -> list[str]:
    """Where its links lead, without those to other hosts."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose_of(document))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def prose_of(document: Path) -> str:
    """Its text without blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", document.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors_of(document: Path) -> set[str]:
    """The anchors of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose_of(document), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "]", heading)) for heading in headings)
    return {each.strip().lower().replace(" ", "-") for each in words}


def leads_somewhere(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not anchor or target.suffix != ".md" or anchor in anchors_of(target))


def test_each_part_of_the_project_has_a_readme_that_is_looked_at() -> None:
    looked_at = {name_of(document) for document in DOCUMENTS}
    parts = ("bench", "cli", "deploy", "deploy/helm/churn-operator", "deploy/olm", "serving", "trainer", "webapp")
    assert looked_at >= {"README.md", "docs/index.md", *(f"{part}/README.md" for part in parts)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_its_links_lead_somewhere(document: Path) -> None:
    assert [link for link in links_of(document) if not leads_somewhere(document, link)] == []


@pytest.mark.parametrize(
    ("link", "good"),
    [
        ("other.md", True),
        ("other.md#a-heading-of-code", True),
        ("#here", True),
        ("missing.md", False),
        ("other.md#another", False),
        ("#there", False),
    ],
)
def test_what_a_link_that_leads_nowhere_is(tmp_path: Path, link: str, good: bool) -> None:
    (tmp_path / "other.md").write_text("# A heading of `code`\n")
    document = tmp_path / "document.md"
    document.write_text(f"# Here\n\n[text]({link})\n\n```\n[code](nowhere.md)\n# there\n```\n")
    assert links_of(document) == [link]
    assert leads_somewhere(document, link) is good


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
