"""ChurnModels are read at their own path of the API server and at no other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from churn_webapp.cluster.api_server import ApiServer
from churn_webapp.cluster.churn_models import ChurnModels
from churn_webapp.errors import NotFound

from tests.unit.webapp.objects import churn_model


class Asked:
    """Answers with a ChurnModel, and remembers the paths."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    def get(self, path: str, parameters: Mapping[str, str] | None = None) -> dict[str, Any]:
        """As ApiServer."""
        self.paths.append(path)
        return churn_model()


@pytest.mark.parametrize(
    ("namespace", "name"),
    [
        ("..", ".."),
        ("churn", ".."),
        ("churn", ""),
        ("", "model"),
        ("churn", "a/b"),
        ("churn", "m,x=y"),
        ("c" * 254, "m"),
    ],
)
def test_what_cannot_be_a_name_is_not_asked_for(namespace: str, name: str) -> None:
    server = Asked()
    with pytest.raises(NotFound, match="There is no ChurnModel"):
        ChurnModels(cast(ApiServer, server), ()).read(namespace, name)
    assert server.paths == []


@pytest.mark.parametrize("name", ["model", "a", "churn-model-2", "a.b"])
def test_a_name_is(name: str) -> None:
    server = Asked()
    ChurnModels(cast(ApiServer, server), ()).read("churn", name)
    assert server.paths == [f"/apis/churnops.dev/v1alpha1/namespaces/churn/churnmodels/{name}"]
