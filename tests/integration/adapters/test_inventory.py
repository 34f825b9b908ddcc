"""Names of what there is, from the real API server, a page at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml
from churn_operator.adapters import inventory
from churn_operator.adapters.api_session import ApiSession
from churn_operator.adapters.inventory import KubernetesInventory
from churn_operator.core.observation import ObjectKey

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("definitions")]


def manifest(version: str, kind: str, name: str, spec: dict[str, object], **labels: str) -> str:
    metadata = {"name": name, "labels": {key.replace("_", "/"): value for key, value in labels.items()}}
    return yaml.safe_dump({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec})


@pytest.fixture
def listed(kubectl: Callable[..., str], namespace: str) -> list[ObjectKey]:
    """Five ChurnModels, one InferenceService that is ours, one that is not, and a ChurnModel of another namespace."""
    spec: dict[str, object] = {"dataset": {"uri": "s3://data/c.csv"}, "suspend": True}
    predictor: dict[str, object] = {"predictor": {"model": {"modelFormat": {"name": "sklearn"}}}}
    documents = [manifest("churnops.dev/v1alpha1", "ChurnModel", f"churn-{number}", spec) for number in range(5)]
    kserve = "serving.kserve.io/v1beta1"
    ours = {"churnops.dev_model": "churn-1"}
    documents.append(manifest(kserve, "InferenceService", "churn-1", predictor, **ours))
    documents.append(manifest(kserve, "InferenceService", "foreign", predictor))
    kubectl("create", "-f", "-", namespace=namespace, stdin="---\n".join(documents))
    kubectl("create", "namespace", f"{namespace}-too")
    elsewhere = manifest("churnops.dev/v1alpha1", "ChurnModel", "elsewhere", spec)
    kubectl("create", "-f", "-", namespace=f"{namespace}-too", stdin=elsewhere)
    return [ObjectKey(namespace, f"churn-{number}") for number in range(5)]


@pytest.mark.parametrize("named", [True, False], ids=["a namespace", "all namespaces"])
async def test_what_is_ours_is_named_whatever_the_pages(
    session: ApiSession, namespace: str, listed: list[ObjectKey], named: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory, "_PAGE", 2)
    found = KubernetesInventory(session, (namespace,) if named else ())
    models, serving = await found.churn_models(), await found.serving()
    assert {key for key in models if key.namespace == namespace} == set(listed)
    assert {name for name in serving if name[1].namespace == namespace} == {("InferenceService", listed[1])}
    assert named is (models <= set(listed))
