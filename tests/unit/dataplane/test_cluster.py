"""The cache of watched objects, when answers to writes and watch events overtake each other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_devcluster.dataplane.cluster import INFERENCE_SERVICES, Cluster


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
                "users": [{"name": "u", "user": {}}],
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "c",
            }
        )
    )
    return path


def sight(version: int, uri: str) -> dict[str, Any]:
    metadata = {"uid": "u", "resourceVersion": str(version), "creationTimestamp": "2026-11-24T12:00:00Z"}
    return {"metadata": metadata, "spec": {"uri": uri}}


async def test_an_older_sight_never_replaces_a_newer_one(kubeconfig: Path) -> None:
    changes = asyncio.Queue[None]()
    cluster = Cluster(kubeconfig, lambda: changes.put_nowait(None))
    cluster._take(INFERENCE_SERVICES, "ADDED", sight(9, "first"))
    cluster._take(INFERENCE_SERVICES, "MODIFIED", sight(11, "second"))
    # The answer to a status write that the API server made before the change of the spec.
    cluster._remember(INFERENCE_SERVICES, sight(10, "first"))
    assert [each["spec"]["uri"] for each in cluster.objects(INFERENCE_SERVICES)] == ["second"]
    cluster._take(INFERENCE_SERVICES, "DELETED", sight(12, "second"))
    cluster._remember(INFERENCE_SERVICES, sight(10, "first"))
    assert cluster.objects(INFERENCE_SERVICES) == []
    assert changes.qsize() == 3
