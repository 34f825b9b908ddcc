"""Reading ChurnModels and their events, as the app's own service account."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from churn_webapp.cluster.api_server import ApiServer, Json
from churn_webapp.errors import NotFound
from churn_webapp.recent import Recent
from churn_webapp.story.churn_model import ChurnModel, Event

GROUP_PATH = "/apis/churnops.dev/v1alpha1"
_LONGEST = 253
_NAME = re.compile(rf"(?=.{{1,{_LONGEST}}}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""A name that Kubernetes could have (RFC 1123): `..` would lead to another path of the API server."""
_FRESH_SECONDS = 1.0
"""Many browsers look every other second; the API server is asked once a second for each page at most."""


def churn_model_path(namespace: str, name: str) -> str:
    """Path of one ChurnModel on the API server."""
    return f"{GROUP_PATH}/namespaces/{quote(namespace, safe='')}/churnmodels/{quote(name, safe='')}"


def _not_found(namespace: str, name: str) -> NotFound:
    return NotFound(f"There is no ChurnModel {name[:_LONGEST]} in namespace {namespace[:_LONGEST]}.")


class ChurnModels:
    """ChurnModels of some namespaces, or of all."""

    def __init__(self, api_server: ApiServer, namespaces: tuple[str, ...]) -> None:
        self._api_server = api_server
        self._namespaces = namespaces
        self._recent: Recent[Any] = Recent(_FRESH_SECONDS)

    def read_all(self) -> tuple[ChurnModel, ...]:
        """All of them by namespace and name. Raises Unavailable."""
        found: tuple[ChurnModel, ...] = self._recent.get("all", self._read_all)
        return found

    def read(self, namespace: str, name: str) -> ChurnModel:
        """One of them. Raises NotFound or Unavailable."""
        if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
            raise _not_found(namespace, name)
        if self._namespaces and namespace not in self._namespaces:
            raise NotFound(f"There is no ChurnModel {name} in namespace {namespace} that this app shows.")
        found: ChurnModel = self._recent.get((namespace, name), lambda: self._read(namespace, name))
        return found

    def read_now(self, namespace: str, name: str) -> ChurnModel:
        """One of them, as it is at this moment. Raises NotFound or Unavailable."""
        self.forget()
        return self.read(namespace, name)

    def events(self, namespace: str, name: str) -> tuple[Event, ...]:
        """Its events, the newest first. Raises Unavailable."""
        found: tuple[Event, ...] = self._recent.get(("events", namespace, name), lambda: self._events(namespace, name))
        return found

    def forget(self) -> None:
        """Ask again the next time."""
        self._recent.forget()

    def _read_all(self) -> tuple[ChurnModel, ...]:
        paths = [f"{GROUP_PATH}/namespaces/{quote(name, safe='')}/churnmodels" for name in self._namespaces]
        items: list[Json] = []
        for path in paths or [f"{GROUP_PATH}/churnmodels"]:
            items += self._pages(path)
        return tuple(sorted(map(ChurnModel.parse, items), key=lambda model: model.key))

    def _pages(self, path: str) -> list[Json]:
        items: list[Json] = []
        parameters = {"limit": "200"}
        while True:
            answer = self._api_server.get(path, parameters)
            items += answer["items"]
            following = answer["metadata"].get("continue")
            if not following:
                return items
            parameters["continue"] = following

    def _read(self, namespace: str, name: str) -> ChurnModel:
        try:
            return ChurnModel.parse(self._api_server.get(churn_model_path(namespace, name)))
        except NotFound as error:
            raise _not_found(namespace, name) from error

    def _events(self, namespace: str, name: str) -> tuple[Event, ...]:
        selector = {"fieldSelector": f"involvedObject.kind=ChurnModel,involvedObject.name={name}"}
        answer = self._api_server.get(f"/api/v1/namespaces/{quote(namespace, safe='')}/events", selector)
        events = [Event.parse(item) for item in answer["items"]]
        return tuple(sorted(events, key=lambda event: event.last_seen, reverse=True))
