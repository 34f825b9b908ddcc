"""What errors tell of an address that users name."""

from __future__ import annotations

import pytest
from churn_operator.adapters.http import HttpSession, shown
from churn_operator.errors import Rejected

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://hooks.example.com/services/T0/B0/secret", "https://hooks.example.com"),
        ("https://hooks.example.com/gate?token=secret", "https://hooks.example.com"),
        ("http://reader:secret@prometheus:9090/prom", "http://prometheus:9090"),
        ("http://[::1]:9090/secret", "http://::1:9090"),
        ("http://prometheus:secret", "what is given"),
        ("http://[secret", "what is given"),
    ],
)
def test_no_secret_of_an_address_is_told(url: str, told: str) -> None:
    assert shown(url) == told


async def test_an_address_that_is_none_is_refused_without_repeating_it() -> None:
    session = HttpSession("Webhook")
    with pytest.raises(Rejected) as refused:
        await session.post("http://reader:secret@prometheus:port/secret", b"", {}, 1)
    await session.close()
    assert "secret" not in str(refused.value)
