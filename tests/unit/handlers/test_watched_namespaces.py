"""Which namespaces the operator watches."""

from __future__ import annotations

import pytest
from churn_operator.settings import Settings

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("setting", "watched"),
    [("", ()), ("team-a", ("team-a",)), ("team-a, team-b", ("team-a", "team-b")), (" ,team-a,, ", ("team-a",))],
)
def test_blanks_between_names_are_no_part_of_them(setting: str, watched: tuple[str, ...]) -> None:
    assert Settings(namespaces=setting).watched == watched
