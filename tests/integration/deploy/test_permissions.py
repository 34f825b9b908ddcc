"""What the operator's ServiceAccount may do, and what it may not, by real requests under its token."""

from __future__ import annotations

from typing import Any

import kubernetes
import pytest
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.waiting import wait_until
from kubernetes.client import ApiException

from .conftest import Object, administrator

_MODELS = "/apis/churnops.dev/v1alpha1/namespaces/{namespace}/churnmodels/{name}"


def request(
    client: kubernetes.client.ApiClient, method: str, path: str, body: Object | None = None, **query: str
) -> Object:
    """The answer as JSON. Raises ApiException where the API server refuses."""
    answer: Object = client.call_api(
        path,
        method,
        query_params=list(query.items()),
        header_params={"Accept": "application/json", "Content-Type": "application/merge-patch+json"}
        if method == "PATCH"
        else {"Accept": "application/json", "Content-Type": "application/json"},
        body=body,
        auth_settings=["BearerToken"],
        response_type="object",
        _return_http_data_only=True,
    )
    return answer


def path_of(model: Object) -> str:
    return _MODELS.format(**{key: model["metadata"][key] for key in ("namespace", "name")})


@pytest.fixture
def guarded(installed: ControlPlane, operator_client: kubernetes.client.ApiClient, model: Object) -> Object:
    """A ChurnModel, once the admission policy is in force: the API server takes a moment to compile it."""

    def in_force() -> bool:
        try:
            patch = {"spec": {"suspend": True}}
            request(operator_client, "PATCH", path_of(model), patch, dryRun="All")
        except ApiException as error:
            return error.status == 422
        return False

    wait_until(in_force, "the admission policy", seconds=120)
    return model


def test_it_sets_its_finalizer(operator_client: kubernetes.client.ApiClient, guarded: Object) -> None:
    patch = {"metadata": {"finalizers": ["churnops.dev/cleanup"]}}
    assert request(operator_client, "PATCH", path_of(guarded), patch)["metadata"]["finalizers"]
    removed = request(operator_client, "PATCH", path_of(guarded), {"metadata": {"finalizers": []}})
    assert "finalizers" not in removed["metadata"]


def test_it_writes_status(operator_client: kubernetes.client.ApiClient, guarded: Object) -> None:
    current = request(operator_client, "GET", path_of(guarded))
    body = {**current, "status": {"phase": "Pending"}}
    assert request(operator_client, "PUT", f"{path_of(guarded)}/status", body)["status"]["phase"] == "Pending"


@pytest.mark.parametrize(
    ("patch", "sentence"),
    [
        ({"spec": {"suspend": True}}, "the operator never writes spec"),
        ({"spec": {"dataset": {"uri": "s3://elsewhere/telco.csv"}}}, "the operator never writes spec"),
        ({"metadata": {"labels": {"team": None}}}, "the operator never writes labels"),
        (
            {"metadata": {"annotations": {"kopf.zalando.org/last-handled": "{}"}}},
            "the operator never writes annotations",
        ),
    ],
)
def test_what_a_person_wrote_it_cannot_change(
    operator_client: kubernetes.client.ApiClient, guarded: Object, patch: Object, sentence: str
) -> None:
    with pytest.raises(ApiException) as refusal:
        request(operator_client, "PATCH", path_of(guarded), patch)
    assert refusal.value.status == 422
    assert sentence in str(refusal.value.body)


def test_a_person_can(installed: ControlPlane, guarded: Object) -> None:
    patch = {"spec": {"suspend": True}, "metadata": {"labels": {"team": None}, "annotations": {"note": "paused"}}}
    with installed.client() as client:
        answer = request(client, "PATCH", path_of(guarded), patch)
    assert answer["spec"]["suspend"] is True
    assert "labels" not in answer["metadata"]
    assert answer["metadata"]["annotations"] == {"note": "paused"}


_FORBIDDEN: list[tuple[str, str]] = [
    ("GET", "/api/v1/secrets"),
    ("GET", "/api/v1/namespaces/{namespace}/secrets"),
    ("DELETE", "/api/v1/namespaces/{namespace}/secrets/credentials"),
    ("GET", "/api/v1/namespaces"),
    ("GET", "/api/v1/namespaces/{namespace}/configmaps"),
    ("GET", "/api/v1/namespaces/{namespace}/configmaps/another"),
    ("GET", "/api/v1/pods"),
    ("GET", "/apis/apps/v1/deployments"),
    ("DELETE", "/apis/churnops.dev/v1alpha1/namespaces/{namespace}/churnmodels/churn"),
    ("DELETE", "/apis/churnops.dev/v1alpha1/namespaces/{namespace}/churnmodels"),
    ("DELETE", "/apis/serving.kserve.io/v1beta1/namespaces/{namespace}/inferenceservices"),
    ("GET", "/apis/serving.kserve.io/v1alpha1/clusterservingruntimes"),
    ("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/churnmodels.churnops.dev"),
    ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
    ("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/churn-operator-keeps-wishes"),
]


@pytest.mark.parametrize(("method", "path"), _FORBIDDEN, ids=[" ".join(each) for each in _FORBIDDEN])
def test_what_it_may_not_do_is_refused(
    operator_client: kubernetes.client.ApiClient, model: Object, method: str, path: str
) -> None:
    with pytest.raises(ApiException) as refusal:
        request(operator_client, method, path.format(namespace=model["metadata"]["namespace"]))
    assert refusal.value.status == 403


def test_it_may_not_create_what_it_never_creates(operator_client: kubernetes.client.ApiClient, model: Object) -> None:
    namespace = model["metadata"]["namespace"]
    bodies: dict[str, dict[str, Any]] = {
        f"/api/v1/namespaces/{namespace}/pods": {"spec": {"containers": [{"name": "any", "image": "any"}]}},
        f"/api/v1/namespaces/{namespace}/secrets": {},
        f"/apis/churnops.dev/v1alpha1/namespaces/{namespace}/churnmodels": {
            "apiVersion": "churnops.dev/v1alpha1",
            "kind": "ChurnModel",
            "spec": {"dataset": {"uri": "s3://nowhere/telco.csv"}},
        },
    }
    for path, body in bodies.items():
        with pytest.raises(ApiException) as refusal:
            request(operator_client, "POST", path, {"metadata": {"name": "another"}, **body})
        assert refusal.value.status == 403, path


def test_people_get_churnmodels_with_the_roles_of_kubernetes(manifests: list[Object]) -> None:
    """The controller that aggregates roles is not here; what it goes by is."""
    roles = {each["metadata"]["name"]: each for each in manifests if each["kind"] == "ClusterRole"}
    aggregated = {
        label.rsplit("-to-", 1)[1]: role["rules"][0]["verbs"]
        for role in roles.values()
        for label in role["metadata"]["labels"]
        if "aggregate-to-" in label
    }
    assert aggregated["view"] == ["get", "list", "watch"]
    assert aggregated["edit"] == aggregated["admin"]
    assert {"create", "delete", "patch", "update"} <= set(aggregated["edit"])


def test_no_role_has_a_wildcard(manifests: list[Object]) -> None:
    roles = [each for each in manifests if each["kind"] in ("Role", "ClusterRole")]
    assert roles
    for role in roles:
        for rule in role["rules"]:
            assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"]), role["metadata"]["name"]


def test_the_admin_is_not_the_operator(installed: ControlPlane) -> None:
    """The refusals above are the token's, not the API server's."""
    assert "yes" in administrator(installed)("auth", "can-i", "list", "secrets", "--all-namespaces")
