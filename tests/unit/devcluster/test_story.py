"""A story that cannot be told ends with the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from churn_devcluster.churn_models import Status, version
from churn_devcluster.demo.story import Story
from churn_devcluster.demo.telling import Teller
from churn_devcluster.errors import DevclusterError

STALLED = {"type": "Stalled", "status": "True", "message": "MissingColumn: Column tenure is missing"}


class Models:
    """ChurnModels whose status never changes."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def wait(self, name: str, wish: Callable[[Status], bool], description: str, seconds: float) -> Status:
        assert wish(self._status), f"it would wait {seconds} s for {description}"
        return self._status


def told_about(status: Status) -> Story:
    class Told(Story):
        models = Models(status)  # type: ignore[assignment]

    cluster: Any = None
    return Told(cluster, Teller(as_json=True), Path("customers.csv"))


def trained(seen: Status) -> bool:
    return bool(version(seen, 1))


def test_data_that_cannot_be_trained_on_end_it_with_the_operator_s_sentence() -> None:
    with pytest.raises(DevclusterError, match=r"Version 1 .* cannot be trained: MissingColumn: Column tenure"):
        told_about({"conditions": [STALLED]})._until_trained(1, trained)


def test_a_version_that_was_trained_is_no_failure() -> None:
    status = {"conditions": [STALLED], "versions": [{"number": 1}]}
    assert told_about(status)._until_trained(1, trained) == status
