"""Uploads a run's artifacts with their digests; the report goes last, so that it vouches for the rest."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from churn_report import Artifact, Failure, Outcome, Report

from churn_trainer import CODE_VERSION
from churn_trainer.rejection import RunRejected
from churn_trainer.request import RunRequest
from churn_trainer.storage import Store, open_store

_CONTENT_TYPES = {".json": "application/json", ".svg": "image/svg+xml"}


def upload_artifacts(store: Store, output_uri: str, files: Iterable[tuple[Path, str]]) -> tuple[Artifact, ...]:
    """Uploads each (file, URI below `output_uri`) and answers its digest and size."""
    artifacts = []
    for source, uri in files:
        store.upload(source, uri, _content_type(uri))
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        path = uri.removeprefix(f"{output_uri}/")
        artifacts.append(Artifact(path=path, sha256=digest, size_bytes=source.stat().st_size))
    return tuple(artifacts)


def upload_report(store: Store, uri: str, report: Report) -> None:
    """Uploads report.json to `uri`."""
    with tempfile.TemporaryDirectory(prefix="churn-report-") as folder:
        path = Path(folder) / "report.json"
        path.write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
        store.upload(path, uri, _content_type(uri))


@contextmanager
def reported(request: RunRequest, step: str) -> Iterator[None]:
    """Turns a refusal of `step` into a report at the output URI, then lets it end the step."""
    try:
        yield
    except RunRejected as rejection:
        _publish_rejection(request, step, rejection)
        raise


def _publish_rejection(request: RunRequest, step: str, rejection: RunRejected) -> None:
    """Writes the report that says why `step` refused to go on."""
    report = Report(
        outcome=Outcome.REJECTED,
        failure=Failure(step=step, reason=rejection.reason, message=rejection.message),
        key=request.key,
        created=datetime.now(UTC),
        code_version=CODE_VERSION,
        seed=request.seed,
    )
    upload_report(open_store(request.output_uri, request.s3_endpoint), request.layout.report, report)


def _content_type(uri: str) -> str:
    return _CONTENT_TYPES.get(Path(uri).suffix, "application/octet-stream")
