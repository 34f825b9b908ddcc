"""Which tests one process runs together, when several processes share them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

# A busy machine is no defect, and a run says the same as the one before.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

_SPLIT = ("story",)
"""Areas that last too long for one process; each of their files makes a cluster of its own."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """`--dist loadscope` takes an integration area for a scope."""
    if config.getvalue("dist") != "loadscope":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class AreaScheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return scope_of(nodeid)

    return AreaScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that no process is left with one of them at the end."""
    items.sort(key=lambda item: (not is_of(item.nodeid, "story"), not is_of(item.nodeid)))


def scope_of(nodeid: str) -> str:
    """An integration area, whose tests share what they start; else the file."""
    path = PurePosixPath(nodeid.partition("::")[0])
    whole_area = is_of(nodeid) and not any(is_of(nodeid, area) for area in _SPLIT)
    return str(path.parent if whole_area else path)


def is_of(nodeid: str, area: str = "") -> bool:
    """Whether it is a test of this area of the integration tests, or of any."""
    return nodeid.startswith(f"tests/integration/{area}")
