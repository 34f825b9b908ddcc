"""From the raw object to the subject of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from churn_operator.api.reading import SpecError, read_spec, read_status
from churn_operator.api.v1alpha1 import ChurnModelSpec, ChurnModelStatus
from churn_operator.core.observation import InvalidSpec, ObjectKey, Subject

FINALIZER = "churnops.dev/cleanup"


def subject_of(raw: Mapping[str, Any]) -> Subject:
    """Read an object from the API server."""
    metadata = raw["metadata"]
    deletion = metadata.get("deletionTimestamp")
    return Subject(
        key=ObjectKey(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata["resourceVersion"],
        finalized=FINALIZER in metadata.get("finalizers", ()),
        deletion_requested=datetime.fromisoformat(deletion) if deletion else None,
        spec=_spec(raw.get("spec", {})),
        status=read_status(raw.get("status")),
        annotations=metadata.get("annotations", {}),
    )


def with_unread_versions(
    written: Mapping[str, Any], read: ChurnModelStatus, raw: Mapping[str, Any] | None
) -> Mapping[str, Any]:
    """The status to write, with the versions of `raw` that could not be `read`: what another version of the operator
    wrote stays for it to read again."""
    numbers = {version.number for version in read.versions}
    unread = [each for each in (raw or {}).get("versions", ()) if each.get("number") not in numbers]
    return {**written, "versions": [*unread, *written.get("versions", ())]} if unread else written


def _spec(raw: Mapping[str, Any]) -> ChurnModelSpec | InvalidSpec:
    try:
        return read_spec(raw)
    except SpecError as error:
        return InvalidSpec(str(error))
