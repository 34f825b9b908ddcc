"""What stands in fences of the documents: manifests that the API takes, commands and files that exist."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from churnctl.application import cli
from churnctl.lint.definition import Definition, read_definition
from churnctl.lint.files import check_files
from churnctl.lint.manifest import check_manifest

REPOSITORY = Path(__file__).parents[3]
PAGES = sorted([*(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("*.md")])
LEAST_MANIFESTS = 7

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_HEREDOC = re.compile(r"<<'YAML'\n(.*?)^YAML$", re.MULTILINE | re.DOTALL)
_PLUGIN = re.compile(r"kubectl churn(?: -[^ ]+)* ([a-z]+)((?: [^\n`|;()#]*)?)")
_FILE = re.compile(
    r"(?<![\w./-])((?:deploy|docs|examples|tests|operator|trainer|serving|report|cli|webapp)/[\w./-]+\w)"
)


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def fences(page: Path, *languages: str) -> Iterator[str]:
    """Text of the fences in these languages."""
    for _, language, text in _FENCE.findall(page.read_text()):
        if language in languages:
            yield textwrap.dedent(text)


def manifests(page: Path) -> Iterator[object]:
    """Objects in fences of YAML."""
    for text in fences(page, "yaml"):
        yield from yaml.safe_load_all(text.replace("…", "x"))


def churn_models(page: Path) -> list[dict[str, object]]:
    return [one for one in manifests(page) if isinstance(one, dict) and one.get("kind") == "ChurnModel"]


@pytest.fixture(scope="module")
def definition() -> Definition:
    return read_definition()


def test_every_churn_model_is_one_that_the_api_takes(definition: Definition) -> None:
    found = [(name_of(page), manifest) for page in PAGES for manifest in churn_models(page)]
    assert len(found) >= LEAST_MANIFESTS
    assert [(name, mistakes) for name, manifest in found if (mistakes := check_manifest(manifest, definition))] == []


def test_the_examples_are_manifests_that_the_api_takes(definition: Definition) -> None:
    checked = check_files([str(REPOSITORY / "examples")], definition)
    assert checked.models == len(list((REPOSITORY / "examples").glob("*.yaml")))
    assert checked.findings == ()


def test_the_tutorial_s_manifest_has_one_mistake_and_is_right_once_it_is_corrected(definition: Definition) -> None:
    (text,) = _HEREDOC.findall((REPOSITORY / "docs" / "tutorial.md").read_text())
    assert len(check_manifest(yaml.safe_load(text), definition)) == 1
    assert check_manifest(yaml.safe_load(text.replace("rocAuc: 80", "rocAuc: 0.8")), definition) == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    named: set[str] = set()
    for page in PAGES:
        for words in re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)", page.read_text(), re.MULTILINE):
            named.update(words.split())
    assert "demo" in named
    assert named <= targets


@pytest.mark.parametrize("page", [page for page in PAGES if _PLUGIN.search(page.read_text())], ids=name_of)
def test_every_subcommand_and_option_of_kubectl_churn_exists(page: Path) -> None:
    context = click.Context(cli)
    for name, rest in _PLUGIN.findall(page.read_text()):
        command = cli.get_command(context, name)
        assert command is not None, name
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        given = {word.partition("=")[0] for word in rest.split() if word.startswith("-") and word != "-"}
        assert given <= options | {"-h", "--help"}, f"kubectl churn {name}{rest}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = {path.rstrip(".") for path in _FILE.findall(page.read_text())}
    assert [path for path in sorted(named) if not (REPOSITORY / path).exists()] == []
