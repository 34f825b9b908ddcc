"""`python -m documentation` writes the reference pages; `--check` compares them and fails when one differs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from documentation import churn_model, command_line, metrics, settings

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "churnmodel.md": churn_model.page,
    "command-line.md": command_line.page,
    "settings.md": settings.page,
    "metrics.md": metrics.page,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 1 when a page differs from the code."""
    parser = argparse.ArgumentParser(prog="python -m documentation", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page differs")
    check = parser.parse_args(arguments).check
    differing = [name for name, page in PAGES.items() if not _settle(FOLDER / name, page(), check)]
    for name in differing:
        print(f"docs/reference/{name} differs from the code: run `python -m documentation`", file=sys.stderr)
    return 1 if differing else 0


def _settle(file: Path, text: str, check: bool) -> bool:
    """Whether the file has this text now."""
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return True
    if not check:
        file.write_text(text, encoding="utf-8")
    return not check


if __name__ == "__main__":
    sys.exit(main())
