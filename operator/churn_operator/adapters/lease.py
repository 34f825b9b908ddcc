"""The Lease port: one coordination.k8s.io/v1 Lease, every write of which is guarded by resourceVersion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from churn_operator.adapters.api_session import ApiSession
from churn_operator.core.lease import LeaseRecord
from churn_operator.errors import NotFound

_API_VERSION = "coordination.k8s.io/v1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KubernetesLease:
    """A Lease by namespace and name."""

    def __init__(self, session: ApiSession, namespace: str, name: str) -> None:
        self._session = session
        self._namespace = namespace
        self._name = name
        self._path = f"/apis/{_API_VERSION}/namespaces/{namespace}/leases"

    async def read(self) -> tuple[LeaseRecord, str] | None:
        """See ports.Lease."""
        try:
            raw = await self._session.request("GET", f"{self._path}/{self._name}")
        except NotFound:
            return None
        return record_in(raw.get("spec") or {}), raw["metadata"]["resourceVersion"]

    async def write(self, record: LeaseRecord, version: str | None) -> str:
        """See ports.Lease."""
        metadata = {"namespace": self._namespace, "name": self._name}
        body: dict[str, Any] = {"apiVersion": _API_VERSION, "kind": "Lease", "spec": spec_of(record)}
        if version is None:
            answer = await self._session.request("POST", self._path, {**body, "metadata": metadata})
        else:
            guarded = {**metadata, "resourceVersion": version}
            answer = await self._session.request("PUT", f"{self._path}/{self._name}", {**body, "metadata": guarded})
        return str(answer["metadata"]["resourceVersion"])


def record_in(spec: dict[str, Any]) -> LeaseRecord:
    """The spec of a Lease, every field of which may be missing."""
    return LeaseRecord(
        holder=spec.get("holderIdentity") or "",
        duration=timedelta(seconds=spec.get("leaseDurationSeconds") or 0),
        acquired=_moment(spec.get("acquireTime")),
        renewed=_moment(spec.get("renewTime")),
        transitions=spec.get("leaseTransitions") or 0,
    )


def spec_of(record: LeaseRecord) -> dict[str, Any]:
    """The spec of a Lease. Its duration is in whole seconds, rounded up: whoever waits must not wait too short."""
    return {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": -(-record.duration // timedelta(seconds=1)),
        "acquireTime": _text(record.acquired),
        "renewTime": _text(record.renewed),
        "leaseTransitions": record.transitions,
    }


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else _EPOCH


def _text(moment: datetime) -> str:
    """A MicroTime, which always has six digits of a second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
