"""The logged-in person: who it is, what Kubernetes lets them do, and doing it with their own token.

The app has no right to change a ChurnModel. A change is sent with the person's token, so RBAC decides, admission
policies apply, and the audit log has the person's name.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass, field

from churn_webapp.cluster.api_server import ApiServer
from churn_webapp.cluster.churn_models import churn_model_path
from churn_webapp.errors import Forbidden

FIELD_MANAGER = "churn-webapp"
_REMEMBERED_SECONDS = 10.0
_MOST_REMEMBERED = 2048


@dataclass(frozen=True)
class Person:
    """Somebody whose token Kubernetes accepted."""

    name: str
    token: str = field(repr=False)

    @property
    def short_name(self) -> str:
        """Without `system:serviceaccount:`."""
        return self.name.removeprefix("system:serviceaccount:").replace(":", "/")


class People:
    """Asks Kubernetes about people, and acts for them."""

    def __init__(self, api_server: ApiServer) -> None:
        self._api_server = api_server
        self._lock = threading.Lock()
        self._answers: dict[tuple[str, ...], tuple[float, bool]] = {}

    def identify(self, token: str) -> Person:
        """Who has this token. Raises LoginNeeded or Unavailable."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self._api_server.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review, token)
        return Person(str(answer["status"]["userInfo"]["username"]), token)

    def may(self, person: Person, verb: str, namespace: str, name: str) -> bool:
        """Whether RBAC lets the person do `verb` to this ChurnModel. Raises LoginNeeded or Unavailable."""
        key = (hashlib.sha256(person.token.encode()).hexdigest(), verb, namespace, name)
        now = time.monotonic()
        with self._lock:
            when, answer = self._answers.get(key, (float("-inf"), False))
        if now - when < _REMEMBERED_SECONDS:
            return answer
        answer = self._ask(person, verb, namespace, name)
        with self._lock:
            if len(self._answers) >= _MOST_REMEMBERED:
                self._answers.clear()
            self._answers[key] = (now, answer)
        return answer

    def annotate(self, person: Person, namespace: str, name: str, verb: str, value: str) -> None:
        """Set churnops.dev/<verb>, as the person. Raises Forbidden, LoginNeeded, NotFound or Unavailable."""
        self._patch(person, namespace, name, {"metadata": {"annotations": {f"churnops.dev/{verb}": value}}})

    def roll_back_to(self, person: Person, namespace: str, name: str, version: int | None) -> None:
        """Set spec.rollbackTo, or remove it, as the person. Raises as `annotate` does."""
        self._patch(person, namespace, name, {"spec": {"rollbackTo": version}})

    def _patch(self, person: Person, namespace: str, name: str, change: dict[str, object]) -> None:
        try:
            self._api_server.merge(churn_model_path(namespace, name), change, person.token, FIELD_MANAGER)
        except Forbidden as error:
            raise Forbidden(refusal(person, namespace)) from error

    def _ask(self, person: Person, verb: str, namespace: str, name: str) -> bool:
        attributes = {
            "group": "churnops.dev",
            "resource": "churnmodels",
            "verb": verb,
            "namespace": namespace,
            "name": name,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool(self._api_server.post(path, review, person.token)["status"]["allowed"])


def refusal(person: Person, namespace: str) -> str:
    """Why a person may not act, and what would help."""
    return (
        f"{person.short_name} may not change ChurnModels in namespace {namespace}. Nothing was changed. "
        f"Whoever administers the namespace can allow it with the role edit: it has patch on churnmodels."
    )
