"""Files and the ChurnModels in them, each finding with its line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from churnctl.errors import InputError
from churnctl.lint.definition import Definition
from churnctl.lint.documents import Document, Path, UnreadableError, documents
from churnctl.lint.finding import Finding
from churnctl.lint.manifest import NOT_ALL_CHECKED, check_manifest

_STDIN = "-"
_ENDINGS = {".yaml", ".yml", ".json"}


@dataclass(frozen=True)
class Located:
    """A finding and where it stands. `name` is the ChurnModel's, empty where it has none."""

    file: str
    line: int
    name: str
    field: str
    sentence: str


@dataclass(frozen=True)
class Checked:
    """What was found in all files.

    Attributes:
        models: how many ChurnModels were checked.
        others: objects of other kinds, which were not.
        incomplete: names of those in which a mistake kept further rules from being checked.
    """

    models: int
    others: int
    findings: tuple[Located, ...]
    incomplete: tuple[str, ...]


def check_files(names: list[str], definition: Definition) -> Checked:
    """Check every ChurnModel in these files and folders; `-` is stdin.

    Raises:
        InputError: a file cannot be read.
    """
    models = others = 0
    findings: list[Located] = []
    incomplete: list[str] = []
    for file, text in _texts(names):
        try:
            for document, base, content in _objects(text):
                if not _is_ours(content, definition):
                    others += 1
                    continue
                models += 1
                found = check_manifest(content, definition)
                name = _name(content)
                findings += sorted(
                    [*_repeated(file, name, document, base), *_located(file, name, document, base, found)],
                    key=lambda each: each.line,
                )
                if any(finding.blocking for finding in found):
                    incomplete.append(name)
        except UnreadableError as error:
            findings.append(Located(file, error.line, "", "", f"this is no YAML: {error}"))
    return Checked(models, others, tuple(findings), tuple(incomplete))


def _texts(names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        if name == _STDIN:
            yield "stdin", _decoded("stdin", sys.stdin.buffer.read())
            continue
        path = FilePath(name)
        files = sorted(each for each in path.rglob("*") if each.suffix in _ENDINGS) if path.is_dir() else [path]
        for file in files:
            try:
                content = file.read_bytes()
            except OSError as error:
                raise InputError(f"{file} cannot be read: {error.strerror}.") from error
            yield str(file), _decoded(str(file), content)


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} cannot be read: it is not UTF-8.") from error


def _objects(text: str) -> Iterator[tuple[Document, Path, Any]]:
    """Each object, with the document it stands in and its path there: a List has several."""
    for document in documents(text):
        content = document.content
        if isinstance(content, dict) and content.get("kind") == "List" and isinstance(content.get("items"), list):
            for place, item in enumerate(content["items"]):
                yield document, ("items", place), item
        else:
            yield document, (), content


def _is_ours(content: Any, definition: Definition) -> bool:
    return isinstance(content, dict) and content.get("kind") == definition.kind


def _name(content: dict[str, Any]) -> str:
    metadata = content.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _located(file: str, name: str, document: Document, base: Path, found: list[Finding]) -> Iterator[Located]:
    for finding in found:
        # A rule of the whole object is about its metadata.
        path = finding.path or ("metadata", "name")
        yield Located(file, document.line((*base, *path)), name, finding.field, finding.sentence)


def _repeated(file: str, name: str, document: Document, base: Path) -> Iterator[Located]:
    for path in document.repeated:
        if path[: len(base)] == base:
            yield Located(file, document.line(path), name, str(path[-1]), f'key "{path[-1]}" already set in map')


__all__ = ["NOT_ALL_CHECKED", "Checked", "Located", "check_files"]
