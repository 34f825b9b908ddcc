"""ChurnModels: read, listed, watched, and changed by a person."""

from __future__ import annotations

import difflib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from churnctl.cluster.connection import PLURAL, Connection
from churnctl.errors import ChurnctlError, NotFoundError, UnreachableError

_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
_MERGE = "application/merge-patch+json"
FIELD_MANAGER = "kubectl-churn"
_WATCH_SECONDS = 300
_PATIENCE_SECONDS = 60.0
"""An API server that restarts while somebody watches is waited for."""


@dataclass(frozen=True)
class ChurnModels:
    """The ChurnModels of one namespace, or of all when it is None."""

    connection: Connection
    namespace: str | None

    def get(self, name: str) -> dict[str, Any]:
        """The object of this name.

        Raises:
            NotFoundError: there is none; the sentence has the names that are near.
        """
        try:
            found: dict[str, Any] = self._send("GET", f"{PLURAL}/{name}").json()
        except NotFoundError as error:
            if "not installed" in str(error):
                raise
            raise NotFoundError(self._not_found(name)) from error
        return found

    def list(self) -> list[dict[str, Any]]:
        """All objects, by namespace and name."""
        answer = self._send("GET", PLURAL).json()
        kind = {"apiVersion": answer["apiVersion"], "kind": answer["kind"].removesuffix("List")}
        return [{**kind, **item} for item in answer["items"]]

    def table(self, name: str | None = None) -> dict[str, Any]:
        """The columns that the definition declares, as the API server fills them in (meta.k8s.io/v1 Table)."""
        if name is not None:
            self.get(name)
        path = PLURAL if name is None else f"{PLURAL}/{name}"
        answer: dict[str, Any] = self._send("GET", path, headers={"Accept": _TABLE}).json()
        return answer

    def patch(self, name: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """Merge a change into the object: the object as it is then.

        Raises:
            ConflictError: the change names a resourceVersion, and the object is another by now.
        """
        answer = self._send(
            "PATCH",
            f"{PLURAL}/{name}",
            params={"fieldManager": FIELD_MANAGER},
            headers={"Content-Type": _MERGE},
            data=json.dumps(change),
        )
        changed: dict[str, Any] = answer.json()
        return changed

    def watch(self, name: str) -> Iterator[dict[str, Any]]:
        """The object now and after each change, without end; the watch is renewed when it ends.

        Raises:
            NotFoundError: the object is gone.
            UnreachableError: there is no answer at first, or for a minute later on.
        """
        seen, last_answer = "", None
        while True:
            try:
                current = self.get(name)
            except UnreachableError:
                if last_answer is None or time.monotonic() - last_answer > _PATIENCE_SECONDS:
                    raise
                time.sleep(1)
                continue
            version = current["metadata"]["resourceVersion"]
            if version != seen:
                yield current
            for changed in self._changes(name, version):
                version = changed["metadata"]["resourceVersion"]
                yield changed
            seen, last_answer = version, time.monotonic()

    def _changes(self, name: str, since: str) -> Iterator[dict[str, Any]]:
        import requests

        query = {
            "watch": "true",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": since,
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        try:
            with self._send("GET", PLURAL, params=query, stream=True, timeout=(10, _WATCH_SECONDS + 30)) as answer:
                for line in answer.iter_lines(chunk_size=1):
                    event = json.loads(line)
                    match event["type"]:
                        case "ADDED" | "MODIFIED":
                            yield event["object"]
                        case "DELETED":
                            raise NotFoundError(f'ChurnModel "{name}" was deleted.')
                        case _:
                            # Mostly 410 Gone: the next watch begins with a fresh look.
                            return
        except (requests.exceptions.RequestException, UnreachableError):
            return

    def _send(self, method: str, path: str, **options: Any) -> Any:
        return self.connection.send(method, path, namespace=self.namespace, **options)

    def _not_found(self, name: str) -> str:
        sentence = f'There is no ChurnModel "{name}" in namespace "{self.namespace}"'
        try:
            names = [item["metadata"]["name"] for item in self.list()]
        except ChurnctlError:
            # Reading one by name and listing are two rights.
            return f"{sentence}."
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        if near:
            return f"{sentence}: did you mean {' or '.join(near)}?"
        if names:
            return f"{sentence}; there is {', '.join(sorted(names)[:5])}{' and more' if len(names) > 5 else ''}."
        return f"{sentence}, nor any other: choose the namespace with -n, or look at all with `get -A`."
