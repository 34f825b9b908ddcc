"""Which tests one process runs together, when several processes share them."""

from __future__ import annotations

from pathlib import Path

import pytest

_ROOT = Path(__file__).parent
_INTEGRATION = _ROOT / "integration"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no process is left with one of them at the end."""
    items.sort(key=lambda item: not item.path.is_relative_to(_INTEGRATION))
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))


def _group(path: Path) -> str:
    """An integration area, whose tests share what they start; else the file."""
    kept = path.relative_to(_ROOT)
    if path.is_relative_to(_INTEGRATION) and len(kept.parts) > 2:
        return kept.parts[1]
    return kept.as_posix()
