"""What there is, by name only: what a watch is asked for when it is begun again, and never told of what went."""

from __future__ import annotations

from urllib.parse import urlencode

from churn_operator.adapters.api_session import METADATA_ONLY, ApiSession
from churn_operator.adapters.kserve.gateway import ROUTE_API_VERSION, ROUTE_KIND
from churn_operator.adapters.kserve.predictor import API_VERSION, KIND, MODEL_LABEL
from churn_operator.api.v1alpha1 import common
from churn_operator.core.observation import ObjectKey
from churn_operator.errors import NotFound, Transient

_PAGE = 500
_SOURCE = "Kubernetes"


class KubernetesInventory:
    """Lists names in pages, in all namespaces or in those that are named."""

    def __init__(self, session: ApiSession, namespaces: tuple[str, ...]) -> None:
        self._session = session
        self._namespaces = namespaces

    async def churn_models(self) -> frozenset[ObjectKey]:
        """See ports.Inventory."""
        return await self._names(f"{common.GROUP}/{common.VERSION}", common.PLURAL, "")

    async def serving(self) -> frozenset[tuple[str, ObjectKey]]:
        """See ports.Inventory."""
        found: set[tuple[str, ObjectKey]] = set()
        for kind, version, plural in (
            (KIND, API_VERSION, "inferenceservices"),
            (ROUTE_KIND, ROUTE_API_VERSION, "httproutes"),
        ):
            found |= {(kind, name) for name in await self._names(version, plural, MODEL_LABEL)}
        return frozenset(found)

    async def _names(self, version: str, plural: str, label: str) -> frozenset[ObjectKey]:
        scopes = [f"/namespaces/{namespace}" for namespace in self._namespaces] or [""]
        names: set[ObjectKey] = set()
        for scope in scopes:
            names |= await self._listed(f"/apis/{version}{scope}/{plural}", label)
        return frozenset(names)

    async def _listed(self, path: str, label: str) -> set[ObjectKey]:
        names: set[ObjectKey] = set()
        query = {"limit": str(_PAGE), **({"labelSelector": label} if label else {})}
        while True:
            try:
                page = await self._session.request("GET", f"{path}?{urlencode(query)}", accept=METADATA_ONLY)
            except NotFound as error:
                if "continue" not in query:
                    return names  # There is no such kind.
                raise Transient(_SOURCE, f"the listing expired: {error.message}") from error
            for item in page.get("items") or ():
                names.add(ObjectKey(item["metadata"]["namespace"], item["metadata"]["name"]))
            if not page["metadata"].get("continue"):
                return names
            query["continue"] = page["metadata"]["continue"]
