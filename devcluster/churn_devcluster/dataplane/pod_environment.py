"""What a pod takes from the cluster: variables from Secrets, S3 access through its ServiceAccount."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any

from churn_devcluster.dataplane.cluster import Cluster
from churn_devcluster.dataplane.model import Template
from churn_devcluster.dataplane.servers import CreateFailedError, Resolved
from churn_devcluster.dataplane.storage import S3Access, is_s3_secret, s3_access

# Real namespaces have it from a controller that the devcluster does not run.
_DEFAULT_ACCOUNT = "default"
_PREDICTOR = re.compile(r"http://(?P<name>[a-z0-9-]+)-predictor\.(?P<namespace>[a-z0-9-]+)\.svc(\.cluster\.local)?\b")


async def resolve(cluster: Cluster, namespace: str, template: Template) -> Resolved:
    """The environment and the storage access of a revision's pod.

    Raises:
        CreateFailedError: a ServiceAccount, Secret or key it names does not exist.
        ClusterUnavailableError: nobody knows.
    """
    runtime = template.runtime_container.get("env") or []
    model = template.predictor["model"].get("env") or []
    variables = {each["name"]: await _value(cluster, namespace, each) for each in (*runtime, *model)}
    return Resolved(environment=variables, storage=await _storage(cluster, namespace, template))


def with_addresses(environment: Mapping[str, str], url_of: Callable[[str, str], str]) -> dict[str, str]:
    """The variables of a pod that nobody resolves the names of Services for: URLs of predictors become what `url_of`
    says for namespace and name of the InferenceService."""
    return {
        name: _PREDICTOR.sub(lambda found: url_of(found["namespace"], found["name"]), value)
        for name, value in environment.items()
    }


async def _value(cluster: Cluster, namespace: str, variable: Mapping[str, Any]) -> str:
    reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
    if reference is None:
        return str(variable.get("value", ""))
    secret = await cluster.read_secret(namespace, reference["name"])
    data = {} if secret is None else secret.get("data") or {}
    if reference["key"] in data:
        return base64.b64decode(data[reference["key"]]).decode()
    if reference.get("optional"):
        return ""
    raise CreateFailedError(f"couldn't find key {reference['key']} in Secret {namespace}/{reference['name']}")


async def _storage(cluster: Cluster, namespace: str, template: Template) -> S3Access:
    name = str(template.predictor.get("serviceAccountName") or _DEFAULT_ACCOUNT)
    account = await cluster.read_service_account(namespace, name)
    if account is None:
        if name == _DEFAULT_ACCOUNT:
            return S3Access()
        raise CreateFailedError(
            f'pods is forbidden: error looking up service account {namespace}/{name}: serviceaccount "{name}" not found'
        )
    for reference in account.get("secrets") or []:
        secret = await cluster.read_secret(namespace, reference["name"])
        if secret is None:
            raise CreateFailedError(f'secret "{reference["name"]}" not found')
        if is_s3_secret(secret):
            return s3_access(secret)
    return S3Access()
