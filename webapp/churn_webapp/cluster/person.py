"""The logged-in person: who it is, what Kubernetes lets them do, and doing it with their own token.

The app has no right to change a ChurnModel. A change is sent with the person's token, so RBAC decides, admission
policies apply, and the audit log has the person's name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from churn_webapp.cluster.api_server import ApiServer
from churn_webapp.cluster.churn_models import churn_model_path
from churn_webapp.errors import Forbidden
from churn_webapp.recent import Recent

FIELD_MANAGER = "churn-webapp"
_NAME_SECONDS = 60.0
_PERMISSION_SECONDS = 10.0
"""For what is shown only: a change is always decided by the API server at that moment."""


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
        self._names: Recent[str] = Recent(_NAME_SECONDS)
        self._permissions: Recent[bool] = Recent(_PERMISSION_SECONDS)

    def identify(self, token: str) -> Person:
        """Who has this token. Raises LoginNeeded or Unavailable."""
        return Person(self._names.get(_digest(token), lambda: self._name(token)), token)

    def may(self, person: Person, verb: str, namespace: str, name: str) -> bool:
        """Whether RBAC lets the person do `verb` to this ChurnModel. Raises LoginNeeded or Unavailable."""
        key = (_digest(person.token), verb, namespace, name)
        return self._permissions.get(key, lambda: self._ask(person, verb, namespace, name))

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

    def _name(self, token: str) -> str:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self._api_server.post("/apis/authentication.k8s.io/v1/selfsubjectreviews", review, token)
        return str(answer["status"]["userInfo"]["username"])

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


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def refusal(person: Person, namespace: str) -> str:
    """Why a person may not act, and what would help."""
    return (
        f"{person.short_name} may not change ChurnModels in namespace {namespace}. Nothing was changed. "
        f"Whoever administers the namespace can allow it with the role edit: it has patch on churnmodels."
    )
