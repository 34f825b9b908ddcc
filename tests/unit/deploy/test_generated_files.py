"""What is made from code is up to date, and what is not is named and mended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from deploy.__main__ import GENERATORS
from deploy.generated_files import Generator, block_yaml, write_or_check


@pytest.mark.parametrize("part", GENERATORS)
def test_the_files_are_what_would_be_written(part: str) -> None:
    assert GENERATORS[part].render()
    assert GENERATORS[part].differing() == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that a generator owns, with its two files in it."""
    owned = tmp_path / "made"
    assert write_or_check("make", [generator_of(owned)], []) == 0
    return owned


def generator_of(folder: Path) -> Generator:
    texts = {folder / "a.yaml": "a: 1\n", folder / "below" / "b.yaml": "b: 2\n"}
    return Generator(lambda: texts, owned=folder)


def edit(folder: Path) -> Path:
    path = folder / "a.yaml"
    path.write_text("a: 2\n")
    return path


def lose(folder: Path) -> Path:
    path = folder / "below" / "b.yaml"
    path.unlink()
    return path


def add(folder: Path) -> Path:
    path = folder / "below" / "of-an-older-version.yaml"
    path.touch()
    return path


@pytest.mark.parametrize("change", [edit, lose, add])
def test_a_file_that_differs_is_named_and_mended(
    folder: Path, change: Callable[[Path], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_or_check("make", [generator_of(folder)], ["--check"]) == 0
    path = change(folder)
    assert write_or_check("make", [generator_of(folder)], ["--check"]) == 1
    assert capsys.readouterr().err == f"{path} differs from what it is made of: run `make generate`\n"
    assert write_or_check("make", [generator_of(folder)], []) == 0
    assert write_or_check("make", [generator_of(folder)], ["--check"]) == 0


def test_a_comparison_writes_nothing(tmp_path: Path) -> None:
    assert write_or_check("make", [generator_of(tmp_path / "made")], ["--check"]) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_owns_may_lie_beside(tmp_path: Path) -> None:
    by_hand = tmp_path / "by-hand.yaml"
    by_hand.touch()
    generator = Generator(lambda: {tmp_path / "made.yaml": "a: 1\n"})
    generator.write()
    assert generator.differing() == []
    assert by_hand.exists()


def test_yaml_is_for_people() -> None:
    shared = {"script": "if a then\n  return 1\nend\n"}
    text = block_yaml({"second": shared, "first": shared})
    assert text.count("|\n") == 2
    assert text.index("second") < text.index("first")
    assert "&id" not in text
    assert yaml.safe_load(text) == {"second": shared, "first": shared}
