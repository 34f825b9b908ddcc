"""ChurnModel's CustomResourceDefinition on the embedded API server, and applying objects to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.kubectl import Kubectl as Administrator
from churn_devcluster.waiting import wait_until
from churn_operator.api.v1alpha1 import GROUP, KIND, PLURAL, VERSION

REPOSITORY = Path(__file__).parents[3]
Kubectl = Callable[..., str]


@pytest.fixture(scope="session")
def definition(kubectl: Kubectl, administrator: Administrator) -> str:
    """Name of the committed CustomResourceDefinition, once the API server serves it."""
    administrator.install_definitions(REPOSITORY / "crds")
    name = f"{PLURAL}.{GROUP}"
    # Its OpenAPI, which explain and strict apply go by, is published a moment later.
    wait_until(lambda: "GROUP:" in kubectl("explain", name, check=False), "the OpenAPI of ChurnModel", seconds=180)
    return name


class ChurnModels:
    """ChurnModels of one namespace, with strict field validation as kubectl asks for it."""

    def __init__(self, client: kubernetes.client.ApiClient, namespace: str) -> None:
        self._client = client
        self.namespace = namespace

    def create(self, spec: Mapping[str, Any], name: str = "churn", dry_run: bool = False) -> dict[str, Any]:
        """A first `kubectl apply`: the object as the API server stores it (with `dry_run`: would store it).

        Raises:
            kubernetes.client.ApiException: refused.
        """
        return self._send("POST", "", name, {"spec": spec}, {"dryRun": "All"} if dry_run else {})

    def apply(self, spec: Mapping[str, Any], name: str = "churn") -> dict[str, Any]:
        """Server-side apply, of a new object or a change.

        Raises:
            kubernetes.client.ApiException: refused.
        """
        return self._send("PATCH", f"/{name}", name, {"spec": spec}, _APPLY)

    def apply_status(self, status: Mapping[str, Any], name: str = "churn", manager: str = "tests") -> dict[str, Any]:
        """Server-side apply of a status through the subresource: the object as stored.

        Raises:
            kubernetes.client.ApiException: refused.
        """
        query = {**_APPLY, "fieldManager": manager}
        return self._send("PATCH", f"/{name}/status", name, {"status": status}, query)

    def _send(
        self, method: str, path: str, name: str, content: Mapping[str, Any], query: Mapping[str, str]
    ) -> dict[str, Any]:
        media_type = "application/apply-patch+yaml" if method == "PATCH" else "application/json"
        answer: dict[str, Any] = self._client.call_api(
            f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/{PLURAL}{path}",
            method,
            query_params=[("fieldValidation", "Strict"), *query.items()],
            header_params={"Accept": "application/json", "Content-Type": media_type},
            body={"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": {"name": name}, **content},
            response_type="object",
            _return_http_data_only=True,
        )
        return answer


_APPLY = {"fieldManager": "tests", "force": "true"}


_REFUSED = (400, 422, 500)
"""500 is server-side apply's answer to a list with the same key twice."""


@contextmanager
def refused() -> Iterator[list[str]]:
    """The body must be refused as invalid; the list then holds the API server's sentence."""
    said: list[str] = []
    with pytest.raises(kubernetes.client.ApiException) as refusal:
        yield said
    said.append(str(json.loads(refusal.value.body)["message"]))
    assert refusal.value.status in _REFUSED, said


@pytest.fixture(scope="session")
def api_client(control_plane: ControlPlane, definition: str) -> Iterator[kubernetes.client.ApiClient]:
    """A client of an API server that knows ChurnModels."""
    with control_plane.client() as client:
        yield client


@pytest.fixture
def churnmodels(api_client: kubernetes.client.ApiClient, namespace: str) -> ChurnModels:
    """ChurnModels of a fresh namespace."""
    return ChurnModels(api_client, namespace)
