"""The pod of a revision: storage initializer, then one model server process that is restarted."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from churn_devcluster.dataplane.cluster import ClusterUnavailableError
from churn_devcluster.dataplane.model import Failure, Phase, Pod, Template
from churn_devcluster.dataplane.storage import S3Access, StorageError, download
from churn_devcluster.errors import DevclusterError
from churn_devcluster.ports import LOOPBACK, free_port
from churn_devcluster.processes import Process

logger = logging.getLogger(__name__)

DEFAULT_COMMAND: tuple[str, ...] = (sys.executable, "-m", "churn_serving")

# What the double decides itself instead of the container's arguments.
_OWN_ARGUMENTS = ("--model_name", "--model_dir", "--http_port", "--host")
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")
# kubelet hands over the last 80 lines or 2048 bytes of the log as the termination message.
_MESSAGE_BYTES = 2048


class CreateFailedError(Exception):
    """The pod cannot be created, for what it refers to does not exist."""


@dataclass(frozen=True)
class Resolved:
    """What only the cluster knows about a pod: its environment and its way to the object store."""

    environment: Mapping[str, str]
    storage: S3Access


@dataclass(frozen=True)
class Pace:
    """Seconds: kubelet's back-off and Knative's progress deadline, shortened for one machine."""

    poll: float = 0.1
    first_restart: float = 1
    longest_restart: float = 20
    progress_deadline: float = 300


@dataclass(frozen=True)
class PodSpec:
    """One revision's pod. `model_folder` survives restarts of the process, as an emptyDir would not need
    to, so that a restart of the data plane can serve while the object store is down."""

    name: str
    service_name: str
    template: Template
    model_folder: Path
    log_folder: Path


class ModelServer:
    """Keeps one model server running and reports each change of its pod.

    `resolve` reads secrets and raises CreateFailedError; `report` is called in the event loop.
    """

    def __init__(
        self,
        spec: PodSpec,
        command: Sequence[str],
        pace: Pace,
        resolve: Callable[[], Awaitable[Resolved]],
        report: Callable[[Pod | None], None],
    ) -> None:
        self.spec = spec
        self._command = tuple(command)
        self._pace = pace
        self._resolve = resolve
        self._report = report
        self._process: Process | None = None
        self._resolved: Resolved | None = None
        self._attempt = 0
        self._task = asyncio.create_task(self._run(), name=f"pod {spec.name}")

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL after 10 s; reports that the revision has no pod."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        if self._process is not None:
            await asyncio.to_thread(self._process.stop, 10)
        self._report(None)

    async def _run(self) -> None:
        delay = self._pace.first_restart
        while True:
            try:
                was_ready = await self._attempt_once()
            except Exception:
                # One broken pod must not end the supervision of it, which nobody would notice.
                logger.exception("pod %s", self.spec.name)
                was_ready = False
            if was_ready:
                delay = self._pace.first_restart
            await asyncio.sleep(delay)
            delay = min(2 * delay, self._pace.longest_restart)

    async def _attempt_once(self) -> bool:
        """One life of the container; True when it was ready before it ended."""
        try:
            self._resolved = await self._resolve()
        except CreateFailedError as error:
            self._report(Pod(phase=Phase.CREATE_FAILED, failure=Failure(message=str(error))))
            return False
        except ClusterUnavailableError as error:
            logger.info("%s starts with what was known before: %s", self.spec.name, error)
        if self._resolved is None:
            return False
        try:
            await self._initialize(self._resolved.storage)
        except StorageError as error:
            self._report(Pod(phase=Phase.FAILED, failure=Failure(message=str(error))))
            return False
        return await self._serve(self._resolved.environment)

    async def _initialize(self, access: S3Access) -> None:
        if self.spec.model_folder.exists():
            return
        self._report(Pod(phase=Phase.INITIALIZING))
        self.spec.model_folder.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(download, self.spec.template.storage_uri, access, self.spec.model_folder)

    async def _serve(self, environment: Mapping[str, str]) -> bool:
        port = free_port()
        self._attempt += 1
        log = self.spec.log_folder / f"{self.spec.name}.{self._attempt}.log"
        log.unlink(missing_ok=True)
        process = Process(
            self.spec.name,
            [*command(self.spec.template, self._command), *arguments(self.spec, port)],
            log,
            _environment(environment),
        )
        self._report(Pod(phase=Phase.STARTING))
        try:
            process.start()
        except DevclusterError as error:
            self._report(Pod(phase=Phase.FAILED, failure=Failure(message=str(error), exit_code=128)))
            return False
        self._process = process
        ready = await self._until_ready(process, port)
        if ready:
            self._report(Pod(phase=Phase.READY, name=f"{self.spec.name}-{self._attempt}", port=port))
            await self._until_ended(process)
        still_running = process.running
        await asyncio.to_thread(process.stop, 5)
        failure = too_slow(process, self._pace.progress_deadline) if still_running else _failure(process)
        self._report(Pod(phase=Phase.FAILED, failure=failure))
        return ready

    async def _until_ready(self, process: Process, port: int) -> bool:
        url = f"http://{LOOPBACK}:{port}/v1/models/{model_name(self.spec)}"
        with contextlib.suppress(TimeoutError):
            async with (
                asyncio.timeout(self._pace.progress_deadline),
                httpx.AsyncClient(timeout=5, trust_env=False) as client,
            ):
                while process.running:
                    if await _is_ready(client, url):
                        return True
                    await asyncio.sleep(self._pace.poll)
        return False

    async def _until_ended(self, process: Process) -> None:
        while process.running:  # noqa: ASYNC110 - a process has no event to wait for
            await asyncio.sleep(self._pace.poll)


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        response = await client.get(url)
    except httpx.HTTPError:
        return False
    if response.status_code != httpx.codes.OK:
        return False
    return str(response.json().get("ready")).lower() == "true"


def model_name(spec: PodSpec) -> str:
    """The name the model answers to: that of the predictor's argument, else `predictor.model.name`, else the
    InferenceService's. KServe puts a predictor's arguments behind those of its runtime."""
    model = spec.template.predictor["model"]
    given = [str(each) for each in model.get("args") or []]
    named = [each.partition("=")[2] for each in given if each.startswith("--model_name=")]
    return named[-1] if named else str(model.get("name") or spec.service_name)


def command(template: Template, image: Sequence[str]) -> list[str]:
    """The runtime container's command; `image` stands for the entry point of its image.

    A container's own Python is ours here.
    """
    given = [str(each) for each in template.runtime_container.get("command") or image]
    return [sys.executable, *given[1:]] if given[0] in ("python", "python3") else given


def arguments(spec: PodSpec, port: int) -> list[str]:
    """Arguments of the server: ours for name, folder and address, then those of runtime and predictor."""
    runtime = [str(each) for each in spec.template.runtime_container.get("args") or []]
    predictor = [str(each) for each in spec.template.predictor["model"].get("args") or []]
    own = [
        *("--model_name", model_name(spec)),
        *("--model_dir", str(spec.model_folder)),
        *("--http_port", str(port)),
        *("--host", LOOPBACK),
    ]
    return [*own, *_without_own(runtime), *_without_own(predictor)]


def _without_own(given: Sequence[str]) -> list[str]:
    kept: list[str] = []
    skip_value = False
    for argument in given:
        if skip_value:
            skip_value = False
        elif argument in _OWN_ARGUMENTS:
            skip_value = True
        elif not argument.startswith(tuple(f"{own}=" for own in _OWN_ARGUMENTS)):
            kept.append(argument)
    return kept


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    inherited = {key: os.environ[key] for key in _INHERITED if key in os.environ}
    # The line buffer of a container log; one thread a server, for all of them share one machine.
    return {**inherited, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", **given}


def _failure(process: Process) -> Failure:
    code = process.exit_code
    message = _last_words(process) or f"{process.name} ended without a word"
    return Failure(message=message, exit_code=1 if code is None else code)


def too_slow(process: Process, seconds: float) -> Failure:
    """Of a server that did not become ready in time. It did not end by itself: its exit code says nothing."""
    said = _last_words(process)
    sentence = f"{process.name} was ended, because it was not ready after {seconds:g} s"
    return Failure(message=f"{sentence}. The end of its log:\n{said}" if said else f"{sentence}, and had said nothing.")


def _last_words(process: Process) -> str:
    return process.log_tail().encode()[-_MESSAGE_BYTES:].decode(errors="replace").strip()
