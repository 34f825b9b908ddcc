"""`python -m documentation` writes the reference pages; `--check` compares them and fails when one differs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.generated_files import Generator, write_or_check
from documentation import churn_model, command_line, metrics, settings

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
PAGES: Mapping[str, Callable[[], str]] = {
    "churnmodel.md": churn_model.page,
    "command-line.md": command_line.page,
    "settings.md": settings.page,
    "metrics.md": metrics.page,
}


def rendered() -> dict[Path, str]:
    """Every page."""
    return {FOLDER / name: page() for name, page in PAGES.items()}


REFERENCE = Generator(rendered)

if __name__ == "__main__":
    sys.exit(write_or_check("python -m documentation", [REFERENCE]))
