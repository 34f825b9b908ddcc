"""What the operator asked of the API server, by the API server's own audit log."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True)
class AuditedRequest:
    """One finished request (or, for a watch, its start)."""

    verb: str
    resource: str
    subresource: str
    code: int
    finished: datetime

    @property
    def writes(self) -> bool:
        """Whether it could change something."""
        return self.verb in WRITES

    @property
    def name(self) -> str:
        """Such as `update churnmodels/status`."""
        return f"{self.verb} {self.resource}" + (f"/{self.subresource}" if self.subresource else "")


def now() -> datetime:
    """The present, to compare audited times with."""
    return datetime.now(UTC)


def requests_of(audit_log: Path, user: str, since: datetime, until: datetime | None = None) -> list[AuditedRequest]:
    """The user's requests that were finished (watches: started) in this time; rotated logs are read too."""
    wanted = f'"username":"{user}"'.encode()
    found = []
    for file in sorted(audit_log.parent.glob(f"{audit_log.stem}*{audit_log.suffix}")):
        with file.open("rb") as lines:
            found += [request for request in _parsed(lines, wanted) if since <= request.finished]
    return [request for request in found if until is None or request.finished < until]


def tally(requests: list[AuditedRequest]) -> str:
    """Such as `3 get leases, 1 list churnmodels`."""
    counted = Counter(request.name for request in requests)
    return ", ".join(f"{count} {name}" for name, count in counted.most_common()) or "none"


def _parsed(lines: Iterator[bytes], wanted: bytes) -> Iterator[AuditedRequest]:
    for line in lines:
        if wanted not in line:
            continue
        event = json.loads(line)
        watch = event["verb"] == "watch"
        if event["stage"] != ("ResponseStarted" if watch else "ResponseComplete"):
            continue
        target = event.get("objectRef") or {}
        yield AuditedRequest(
            verb=event["verb"],
            resource=target.get("resource", event["requestURI"]),
            subresource=target.get("subresource", ""),
            code=event["responseStatus"]["code"],
            finished=datetime.fromisoformat(event["stageTimestamp"]),
        )
