"""What Prometheus shall scrape: every ready model server, and Envoy; in its format of service discovery."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from churn_devcluster.dataplane.model import Phase, Service
from churn_devcluster.ports import LOOPBACK

TARGETS_FILE = "targets.json"
# Envoy has some thousand series; these say what became of requests, by the cluster of each revision.
_ENVOY_STATS = r"^cluster\..*\.upstream_rq"


def targets(services: Iterable[Service], envoy_admin_port: int | None) -> list[dict[str, Any]]:
    """The groups of the targets file; `envoy_admin_port` is None while Envoy does not run.

    Model servers are labelled as a PodMonitor would label their pods, with what they belong to; which
    version of the model they serve they say themselves.
    """
    groups = [
        _group(
            revision.pod.port,
            job="model-servers",
            namespace=service.namespace,
            inference_service=service.name,
            revision=revision.name,
            pod=revision.pod.name,
        )
        for service in services
        for revision in service.revisions
        if revision.pod is not None and revision.pod.phase is Phase.READY and revision.pod.port is not None
    ]
    if envoy_admin_port is not None:
        stats = {"__metrics_path__": "/stats/prometheus", "__param_filter": _ENVOY_STATS}
        groups.append(_group(envoy_admin_port, job="envoy", **stats))
    return groups


def _group(port: int, **labels: str) -> dict[str, Any]:
    return {"targets": [f"{LOOPBACK}:{port}"], "labels": labels}


class TargetsFile:
    """The file, whole at any moment; written only when something changed, for Prometheus watches it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: str | None = None

    def write(self, groups: list[dict[str, Any]]) -> None:
        """Replaces its content."""
        content = json.dumps(groups, indent=1)
        if content == self._written:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        partial.write_text(content)
        os.replace(partial, self._path)  # noqa: PTH105
        self._written = content
