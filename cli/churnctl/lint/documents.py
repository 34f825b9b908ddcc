"""YAML documents with the line of every field, read as kubectl reads them.

kubectl reads YAML 1.1 without its dates and base-60 numbers, and refuses a key that stands twice.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

Path = tuple[str | int, ...]
"""Where a value stands: ("spec", "rollout", "steps", 0, "weight")."""

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnreadableError(Exception):
    """The text is no YAML.

    Attributes:
        line: from 1.
    """

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Document:
    """One document of a file.

    Attributes:
        content: maps, lists, strings, numbers, booleans and None, as JSON has them.
        lines: line of each path, from 1.
        repeated: paths of keys that stand more than once in their map.
    """

    content: Any
    lines: Mapping[Path, int]
    repeated: tuple[Path, ...]

    def line(self, path: Path) -> int:
        """The line of the path, or of the nearest part above it that is written."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


_PLAIN = "plain"
_MOST_DIGITS = 1200
"""More than the greatest number has, written with twos."""
_NULL = re.compile(r"~|null|Null|NULL|")


class _Loader(_LOADER):  # type: ignore[misc]
    """Leaves what a plain scalar is to this module; `!!str 1` and "1" are texts as ever."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> Any:
        """The tag of a node."""
        if kind is yaml.ScalarNode and implicit[0] and value != "<<":
            return _PLAIN
        return super().resolve(kind, value, implicit)


_BOOLEAN = re.compile(r"(?:y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)")
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?")
_NO_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_TRUE = {"y", "yes", "true", "on"}


def documents(text: str) -> Iterator[Document]:
    """Every document that is not empty.

    Raises:
        UnreadableError: the text is no YAML.
    """
    loader: Any = None
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            lines: dict[Path, int] = {}
            repeated: list[Path] = []
            content = _construct(node, (), lines, repeated)
            if content is not None:
                yield Document(content, lines, tuple(repeated))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnreadableError(str(error.problem or error.context), line) from error
    except yaml.YAMLError as error:
        raise UnreadableError(str(error), 1) from error
    except RecursionError as error:
        raise UnreadableError("it is nested too deeply, or in itself", 1) from error
    finally:
        if loader is not None:
            loader.dispose()


def _construct(node: yaml.Node, path: Path, lines: dict[Path, int], repeated: list[Path]) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    match node:
        case yaml.MappingNode():
            return _mapping(node, path, lines, repeated)
        case yaml.SequenceNode():
            return [_construct(child, (*path, place), lines, repeated) for place, child in enumerate(node.value)]
        case _:
            return _scalar(node)


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int], repeated: list[Path]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            merged |= _merged(value_node, path, lines, repeated)
            continue
        key = _key(key_node)
        if key in content:
            repeated.append((*path, key))
        lines[(*path, key)] = key_node.start_mark.line + 1
        content[key] = _construct(value_node, (*path, key), lines, repeated)
    return {**merged, **content}


def _merged(node: yaml.Node, path: Path, lines: dict[Path, int], repeated: list[Path]) -> dict[str, Any]:
    sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
    whole: dict[str, Any] = {}
    for source in sources:
        one = _construct(source, path, lines, repeated)
        if isinstance(one, dict):
            whole = {**one, **whole}
    return whole


def _key(node: yaml.Node) -> str:
    value = _scalar(node) if isinstance(node, yaml.ScalarNode) else str(node.value)
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case _:
            return str(value)


def _scalar(node: yaml.Node) -> Any:
    text: str = node.value
    if node.tag.rpartition(":")[2] in {"plain", "float"} and _NO_NUMBER.fullmatch(text):
        raise UnreadableError(f"{text} is no number that JSON has", node.start_mark.line + 1)
    match node.tag.rpartition(":")[2]:
        case "plain":
            return plain(text)
        case "int":
            return _integer(text) if _INTEGER.fullmatch(text) else text
        case "float":
            return float(text) if _FLOAT.fullmatch(text) else text
        case "bool":
            return text.lower() in _TRUE
        case "null":
            return None
        case _:
            return text


def plain(text: str) -> Any:
    """A scalar without quotes: null, a boolean, a number, or else the text."""
    if _NULL.fullmatch(text):
        return None
    if _BOOLEAN.fullmatch(text):
        return text.lower() in _TRUE
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", ""))
    return text


def _integer(text: str) -> int | str:
    """The number; the text where it is greater than any that a program counts with, as for kubectl."""
    number = _whole_number(text) if len(text) < _MOST_DIGITS else None
    return text if number is None or abs(number) > sys.float_info.max else number


def _whole_number(text: str) -> int:
    digits = text.replace("_", "").lower()
    sign = -1 if digits.startswith("-") else 1
    digits = digits.lstrip("+-")
    for prefix, base in (("0b", 2), ("0x", 16), ("0o", 8)):
        if digits.startswith(prefix):
            return sign * int(digits[2:], base)
    return sign * int(digits, 8 if len(digits) > 1 and digits.startswith("0") else 10)
