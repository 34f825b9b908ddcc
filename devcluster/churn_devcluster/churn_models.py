"""ChurnModels of a devcluster, read and changed as a person with kubectl would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pykube
import yaml

from churn_devcluster.cluster import Devcluster
from churn_devcluster.errors import DevclusterError
from churn_devcluster.waiting import wait_until

Status = Mapping[str, Any]


class ChurnModelObject(pykube.objects.NamespacedAPIObject):  # type: ignore[misc]
    """pykube's view of the resource."""

    version = "churnops.dev/v1alpha1"
    endpoint = "churnmodels"
    kind = "ChurnModel"


@dataclass(frozen=True)
class ChurnModels:
    """The ChurnModels of one namespace."""

    cluster: Devcluster
    namespace: str

    def apply(self, manifest: Mapping[str, Any]) -> None:
        """`kubectl apply` of a manifest.

        Raises:
            DevclusterError: the API server refuses it; the message is its own.
        """
        namespace = f"--namespace={self.namespace}"
        self.cluster.kubectl("apply", "--filename=-", namespace, stdin=yaml.safe_dump(dict(manifest)))

    def read(self, name: str) -> Mapping[str, Any] | None:
        """The object as it is now, or None."""
        found = self._query().get_or_none(name=name)
        return None if found is None else dict(found.obj)

    def status(self, name: str) -> Status:
        """Its status; empty while it has none."""
        status: Status = (self.read(name) or {}).get("status", {})
        return status

    def patch(self, name: str, spec: Mapping[str, Any]) -> None:
        """Merge these fields into its spec; None removes one."""
        patch = json.dumps({"spec": spec})
        namespace = f"--namespace={self.namespace}"
        self.cluster.kubectl("patch", "churnmodel", name, "--type=merge", f"--patch={patch}", namespace)

    def delete(self, name: str) -> None:
        """Ask for its deletion, and do not wait for it."""
        self.cluster.kubectl("delete", "churnmodel", name, "--wait=false", f"--namespace={self.namespace}")

    def wait(self, name: str, wish: Callable[[Status], bool], description: str, seconds: float) -> Status:
        """The status once it is as wished. An API server that does not answer is waited for too.

        Raises:
            DevclusterError: the deadline passed; the message has the last status seen.
        """
        seen: list[Status] = [{}]

        def met() -> bool:
            try:
                seen[0] = self.status(name)
            except (pykube.exceptions.PyKubeError, OSError):
                return False
            return wish(seen[0])

        try:
            wait_until(met, description, seconds)
        except DevclusterError as error:
            raise DevclusterError(f"{error} The last status: {json.dumps(seen[0], indent=1)}") from error
        return seen[0]

    def _query(self) -> Any:
        api = pykube.HTTPClient(pykube.KubeConfig.from_file(str(self.cluster.kubeconfig)), timeout=10)
        return ChurnModelObject.objects(api, namespace=self.namespace)


def condition(status: Status, kind: str) -> Mapping[str, Any]:
    """The condition of this type; empty where there is none."""
    return next((one for one in status.get("conditions", ()) if one["type"] == kind), {})


def version(status: Status, number: int) -> Mapping[str, Any]:
    """The version of this number; empty where there is none."""
    return next((one for one in status.get("versions", ()) if one["number"] == number), {})


def stable(status: Status) -> int | None:
    """The version in service."""
    number = status.get("rollout", {}).get("stable")
    return None if number is None else int(number)


def settled_on(number: int) -> Callable[[Status], bool]:
    """The wish that this version has all traffic and nothing is under way."""

    def wish(status: Status) -> bool:
        alone = stable(status) == number and status.get("traffic") == f"v{number} 100%"
        idle = condition(status, "Reconciling").get("status") == "False"
        return alone and idle and status.get("rollout", {}).get("candidate") is None

    return wish
