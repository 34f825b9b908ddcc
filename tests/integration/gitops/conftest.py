"""ChurnModels in Git, on the embedded API server, with the operator's statuses; and kstatus, as Flux has it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.kubectl import Kubectl as Administrator
from churn_devcluster.waiting import wait_until
from churn_operator.adapters.api_session import ApiSession
from churn_operator.adapters.cluster import KubernetesCluster
from churn_operator.api.v1alpha1 import GROUP, KIND, PLURAL, VERSION
from churn_operator.core.observation import ObjectKey

from tests.integration.go_sources import built

REPOSITORY = Path(__file__).parents[3]
_SOURCES = Path(__file__).parent / "kstatus"
Kubectl = Callable[..., str]
Verdict = Mapping[str, str]


@pytest.fixture(scope="session")
def definition(kubectl: Kubectl, administrator: Administrator) -> str:
    """Name of ChurnModel's definition, once the API server serves it."""
    administrator.install_definitions(REPOSITORY / "crds")
    name = f"{PLURAL}.{GROUP}"
    wait_until(lambda: "GROUP:" in kubectl("explain", name, check=False), "the OpenAPI of ChurnModel", seconds=180)
    return name


@pytest.fixture(scope="session")
def kstatus() -> Callable[[dict[str, Any]], Verdict]:
    """`status` and `message` that sigs.k8s.io/cli-utils computes for an object: the library of Flux, built once."""
    program = built(_SOURCES)

    def compute(manifest: dict[str, Any]) -> Verdict:
        done = subprocess.run([program], input=json.dumps([manifest]), capture_output=True, text=True, check=True)
        verdict: Verdict = json.loads(done.stdout)[0]
        return verdict

    return compute


@dataclass(frozen=True)
class GitModel:
    """One ChurnModel: what Git says of it, and what others do to the live object."""

    api: kubernetes.client.ApiClient
    namespace: str
    name: str = "churn"

    @property
    def key(self) -> ObjectKey:
        """Its name for the operator."""
        return ObjectKey(self.namespace, self.name)

    def live(self) -> dict[str, Any]:
        """The object as it is."""
        return self._call("GET", self._path)

    def sync(self, spec: Mapping[str, Any], dry_run: bool = False) -> dict[str, Any]:
        """Argo CD's server-side apply of the manifest in Git, with its tracking annotation; the object afterwards."""
        tracking = f"churn-models:{GROUP}/{KIND}:{self.namespace}/{self.name}"
        manifest = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "metadata": {
                "name": self.name,
                "namespace": self.namespace,
                "annotations": {"argocd.argoproj.io/tracking-id": tracking},
            },
            "spec": spec,
        }
        query = {"fieldManager": "argocd-controller", "force": "true", "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        return self._call("PATCH", self._path, query, "application/apply-patch+yaml", manifest)

    def patch(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
        """What Argo CD sends for an action: a merge patch of the difference between two objects."""
        query = {"fieldManager": "argocd-server"}
        return self._call("PATCH", self._path, query, "application/merge-patch+json", merge_patch(before, after))

    def delete(self) -> None:
        """kubectl delete."""
        self._call("DELETE", self._path)

    @property
    def _path(self) -> str:
        return f"/apis/{GROUP}/{VERSION}/namespaces/{self.namespace}/{PLURAL}/{self.name}"

    def _call(
        self, method: str, path: str, query: Mapping[str, str] | None = None, media: str = "", body: Any = None
    ) -> dict[str, Any]:
        answer: dict[str, Any] = self.api.call_api(
            path,
            method,
            query_params=list((query or {}).items()),
            header_params={"Accept": "application/json", **({"Content-Type": media} if media else {})},
            body=body,
            response_type="object",
            _return_http_data_only=True,
        )
        return answer


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """RFC 7386: what turns one object into the other."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            inner = merge_patch(old, value)
            if inner:
                patch[name] = inner
        elif name not in before or value != old:
            patch[name] = value
    return patch


@pytest.fixture
def git_model(control_plane: ControlPlane, definition: str, namespace: str) -> GitModel:
    """A ChurnModel of a fresh namespace, not applied yet."""
    return GitModel(control_plane.client(), namespace)


@asynccontextmanager
async def operator_of(model: GitModel) -> AsyncIterator[KubernetesCluster]:
    """The operator's own way of writing statuses and finalizers."""
    session = ApiSession(model.api.configuration)
    try:
        yield KubernetesCluster(session)
    finally:
        await session.close()
