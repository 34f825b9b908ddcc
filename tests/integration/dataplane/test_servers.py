"""What is told of a model server that does not become ready."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from churn_devcluster.dataplane.model import Failure, Phase, Pod, Template
from churn_devcluster.dataplane.servers import ModelServer, Pace, PodSpec, Resolved
from churn_devcluster.dataplane.storage import S3Access

pytestmark = pytest.mark.cluster


async def _failure(script: str, deadline: float, folder: Path) -> Failure | None:
    """Of the first life of a server that a shell script stands for; `deadline` is in seconds."""
    container = {"command": ["sh", "-c", script]}
    template = Template(labels={}, annotations={}, predictor={"model": {}}, runtime="r", runtime_container=container)
    failed: asyncio.Queue[Pod] = asyncio.Queue()

    async def resolve() -> Resolved:
        return Resolved({}, S3Access())

    def report(pod: Pod | None) -> None:
        if pod is not None and pod.phase is Phase.FAILED:
            failed.put_nowait(pod)

    # The model is there, so that nothing is downloaded.
    spec = PodSpec("m-predictor-00001", "m", template, model_folder=folder, log_folder=folder / "logs")
    server = ModelServer(spec, [], Pace(progress_deadline=deadline, first_restart=600), resolve, report)
    try:
        async with asyncio.timeout(120):
            return (await failed.get()).failure
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("script", "deadline", "message", "exit_code"),
    [
        (
            "exec sleep 600",
            1,
            "m-predictor-00001 was ended, because it was not ready after 1 s, and had said nothing.",
            1,
        ),
        ("exit 3", 600, "m-predictor-00001 ended without a word", 3),
        ("echo the model is corrupt; exit 4", 600, "the model is corrupt", 4),
    ],
)
async def test_one_that_takes_too_long_is_told_from_one_that_ended(
    script: str, deadline: float, message: str, exit_code: int, tmp_path: Path
) -> None:
    assert await _failure(script, deadline, tmp_path) == Failure(message=message, exit_code=exit_code)
