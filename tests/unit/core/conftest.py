from __future__ import annotations

import pytest


@pytest.fixture(params=["knative", "gateway", "canary"])
def driver(request: pytest.FixtureRequest) -> str:
    """Each traffic driver in turn."""
    return str(request.param)
