"""A hook of mkdocs: a section of the navigation that is a folder's name gets all pages of the folder, in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FIRST = ("index.md", "README.md")


def on_config(config: Any) -> None:
    """Replace `- Title: folder/` by the folder's pages; its index or README comes first. Called by mkdocs."""
    config["nav"] = [_filled(entry, Path(config["docs_dir"])) for entry in config["nav"]]


def _filled(entry: Any, docs: Path) -> Any:
    match entry:
        case dict():
            return {title: pages_of(docs, below) if _is_folder(below) else below for title, below in entry.items()}
        case _:
            return entry


def _is_folder(below: Any) -> bool:
    return isinstance(below, str) and below.endswith("/")


def pages_of(docs: Path, folder: str) -> list[str]:
    """The folder's pages, relative to `docs`."""
    names = sorted(page.name for page in (docs / folder).glob("*.md"))
    return [folder + name for name in sorted(names, key=lambda name: (name not in FIRST, name))]
