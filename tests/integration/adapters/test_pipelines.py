"""The Pipelines port over the unchanged kfp SDK and a real endpoint."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from churn_operator.adapters import kfp_client
from churn_operator.adapters.kfp import KfpPipelines
from churn_operator.core.actions import SubmitRun
from churn_operator.core.observation import PipelinesTarget, Run, RunState
from churn_operator.errors import Transient
from churn_operator.settings import Settings
from kfp import compiler, dsl

from tests.integration.adapters.conftest import PIPELINES_SECRET
from tests.integration.adapters.proxy import Proxy, proxy_before

pytestmark = pytest.mark.cluster

_CREATE = "POST /apis/v2beta1/runs"
_LIST = "GET /apis/v2beta1/runs"


@dsl.component(base_image="example.test/trainer:1", install_kfp_package=False)
def train(seconds: int, message: str) -> None:
    import time

    time.sleep(seconds)
    if message:
        raise ValueError(message)


@dsl.pipeline(name="waiting")
def waiting(seconds: int = 600, message: str = "") -> None:
    train(seconds=seconds, message=message)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A pipeline that takes its time."""
    path = tmp_path_factory.mktemp("package") / "waiting.yaml"
    compiler.Compiler().compile(waiting, str(path))
    return path.read_bytes()


@pytest.fixture
def proxy(executing_endpoint: str) -> Iterator[Proxy]:
    with proxy_before(executing_endpoint) as running:
        yield running


class Clock:
    """Time is data."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def target(proxy: Proxy) -> PipelinesTarget:
    """An experiment of the test's own."""
    return PipelinesTarget(proxy.url, "kubeflow", f"experiment-{uuid4().hex[:8]}")


@pytest.fixture
async def pipelines(proxy: Proxy, target: PipelinesTarget, package: bytes, clock: Clock) -> AsyncIterator[KfpPipelines]:
    """The port; what it started is ended again."""
    port = KfpPipelines(Settings(pipelines_endpoint=proxy.url), package, clock)
    yield port
    proxy.lose_answer = proxy.lose_request = None
    for run in await port.list_runs(target, "telco"):
        await port.terminate(target, run.id)
    port.close()


def _request(target: PipelinesTarget, attempt: int = 1, **parameters: str | int) -> SubmitRun:
    return SubmitRun(
        target=target,
        run_name=f"telco-{int(target.experiment.removeprefix('experiment-'), 16):010x}-{attempt}",
        parameters=parameters,
        image="example.test/trainer:2",
        requests=(("cpu", "500m"),),
        limits=(("memory", "1Gi"),),
        secret_name=PIPELINES_SECRET,
    )


async def _ended(pipelines: KfpPipelines, clock: Clock, request: SubmitRun) -> Run:
    async with asyncio.timeout(300):
        while True:
            run = await pipelines.find_run(request.target, request.run_name)
            if run is not None and run.state.terminal:
                return run
            clock.now += 10
            await asyncio.sleep(0.1)


async def test_a_run_is_created_found_and_adopted(pipelines: KfpPipelines, target: PipelinesTarget) -> None:
    request = _request(target)
    assert await pipelines.find_run(target, request.run_name) is None
    created = await pipelines.submit(request)
    assert created.name == request.run_name
    assert created.url == f"{target.endpoint}/#/runs/details/{created.id}"
    found = await pipelines.find_run(target, request.run_name)
    assert found is not None
    assert found.id == created.id
    assert (await pipelines.submit(request)).id == created.id
    assert [run.id for run in await pipelines.list_runs(target, "telco")] == [created.id]


async def test_a_users_own_package_is_run_with_what_it_declares_and_its_own_images(
    pipelines: KfpPipelines, target: PipelinesTarget, clock: Clock, tmp_path: Path
) -> None:
    @dsl.pipeline(name="of-ones-own")
    def of_ones_own(seed: int, message: str = "") -> None:
        train(seconds=seed, message=message)

    compiler.Compiler().compile(of_ones_own, str(tmp_path / "own.yaml"))
    given = _request(target, seed=0, hyperparameters="{}", output_uri="s3://b/c")
    request = replace(given, image=None, requests=(), limits=())
    created = await pipelines.submit(request, (tmp_path / "own.yaml").read_bytes())
    run = kfp_client.new_client(target.endpoint, None).get_run(created.id)
    assert run.pipeline_spec["pipeline_spec"]["pipelineInfo"]["name"] == "of-ones-own"
    executors = run.pipeline_spec["pipeline_spec"]["deploymentSpec"]["executors"]
    assert executors["exec-train"]["container"]["image"] == "example.test/trainer:1"
    assert run.runtime_config.parameters == {"seed": 0}
    assert (await _ended(pipelines, clock, request)).state is RunState.SUCCEEDED


async def test_a_run_whose_answer_got_lost_is_adopted(
    pipelines: KfpPipelines, target: PipelinesTarget, proxy: Proxy
) -> None:
    request = _request(target)
    proxy.lose_answer = _CREATE
    with pytest.raises(Transient):
        await pipelines.submit(request)
    adopted = await pipelines.submit(request)
    assert [run.id for run in await pipelines.list_runs(target, "telco")] == [adopted.id]
    assert proxy.count(_CREATE) == 1


async def test_after_a_lost_request_nothing_is_created_until_it_cannot_arrive_any_more(
    pipelines: KfpPipelines, target: PipelinesTarget, proxy: Proxy, clock: Clock
) -> None:
    request = _request(target)
    proxy.lose_request = _CREATE
    with pytest.raises(Transient):
        await pipelines.submit(request)
    with pytest.raises(Transient, match="is not known yet") as caught:
        await pipelines.submit(request)
    assert caught.value.retry_after is not None
    assert proxy.count(_CREATE) == 1
    clock.now += caught.value.retry_after.total_seconds()
    await pipelines.submit(request)
    assert len(await pipelines.list_runs(target, "telco")) == 1


async def test_one_listing_answers_fifty_questions(
    pipelines: KfpPipelines, target: PipelinesTarget, proxy: Proxy, clock: Clock
) -> None:
    requests = [_request(target, attempt) for attempt in range(1, 51)]
    submitted = [await pipelines.submit(request) for request in requests]
    clock.now += 100
    proxy.requests.clear()
    found = await asyncio.gather(*(pipelines.find_run(target, request.run_name) for request in requests))
    assert [run.id for run in found if run] == [run.id for run in submitted]
    assert proxy.count("") == 1
    clock.now += Settings().pipelines_poll_seconds / 2
    await asyncio.gather(*(pipelines.find_run(target, request.run_name) for request in requests))
    assert proxy.count("") == 1
    clock.now += Settings().pipelines_poll_seconds
    await asyncio.gather(*(pipelines.find_run(target, request.run_name) for request in requests))
    async with asyncio.timeout(120):
        while proxy.count("") < 2:
            await asyncio.sleep(0.01)
    assert proxy.count("") == 2


async def test_the_pages_of_a_listing_are_followed(
    pipelines: KfpPipelines,
    target: PipelinesTarget,
    proxy: Proxy,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("churn_operator.adapters.kfp._PAGE", 2)
    monkeypatch.setattr("churn_operator.adapters.kfp._ACTIVE_PAGE", 2)
    requests = [_request(target, attempt) for attempt in range(1, 6)]
    for request in requests:
        await pipelines.submit(request)
    clock.now += 100
    found = await asyncio.gather(*(pipelines.find_run(target, request.run_name) for request in requests))
    assert all(found)
    assert len(await pipelines.list_runs(target, "telco")) == 5


async def test_a_failed_run_says_why_and_is_asked_for_once(
    pipelines: KfpPipelines, target: PipelinesTarget, proxy: Proxy, clock: Clock
) -> None:
    request = _request(target, seconds=0, message="the column tenure is missing")
    await pipelines.submit(request)
    ended = await _ended(pipelines, clock, request)
    assert ended.state is RunState.FAILED
    # A listing that nobody waited for may still be on its way.
    clock.now += 100
    await pipelines.find_run(target, request.run_name)
    proxy.requests.clear()
    clock.now += 100
    assert await pipelines.find_run(target, request.run_name) == ended
    assert proxy.count("") == 1, "only the listing of active runs"


async def test_terminating_ends_a_run_and_may_be_repeated(
    pipelines: KfpPipelines, target: PipelinesTarget, clock: Clock
) -> None:
    request = _request(target)
    run = await pipelines.submit(request)
    await pipelines.terminate(target, run.id)
    assert (await _ended(pipelines, clock, request)).state in (RunState.CANCELED, RunState.FAILED)
    await pipelines.terminate(target, run.id)


async def test_deleting_removes_a_run_and_may_be_repeated(
    pipelines: KfpPipelines, target: PipelinesTarget, clock: Clock
) -> None:
    request = _request(target, seconds=0)
    run = await pipelines.submit(request)
    await _ended(pipelines, clock, request)
    await pipelines.delete_run(target, run.id)
    assert await pipelines.find_run(target, request.run_name) is None
    assert await pipelines.list_runs(target, "telco") == ()
    await pipelines.delete_run(target, run.id)


@pytest.mark.parametrize("method", ["terminate", "delete_run"])
async def test_a_run_that_is_not_there_is_no_error(
    pipelines: KfpPipelines, target: PipelinesTarget, method: str
) -> None:
    await getattr(pipelines, method)(target, str(uuid4()))


async def test_runs_of_another_experiment_are_not_leftovers(pipelines: KfpPipelines, target: PipelinesTarget) -> None:
    await pipelines.submit(_request(target))
    elsewhere = replace(target, experiment=f"experiment-{uuid4().hex[:8]}")
    assert await pipelines.list_runs(elsewhere, "telco") == ()
    assert await pipelines.list_runs(target, "tel") == ()


async def test_passes_that_make_one_experiment_at_the_same_time_both_succeed(
    pipelines: KfpPipelines, target: PipelinesTarget
) -> None:
    runs = await asyncio.gather(*(pipelines.submit(_request(target, attempt)) for attempt in range(1, 5)))
    assert len({run.id for run in runs}) == 4
    assert len(await pipelines.list_runs(target, "telco")) == 4


async def test_what_was_asked_for_reaches_kfp(pipelines: KfpPipelines, target: PipelinesTarget) -> None:
    asked = replace(_request(target, seconds=300), target=replace(target, service_account_name="runner"))
    run = await pipelines.submit(asked)
    stored = kfp_client.new_client(target.endpoint, None).get_run(run.id)
    executor = stored.pipeline_spec["pipeline_spec"]["deploymentSpec"]["executors"]["exec-train"]["container"]
    assert executor["image"] == "example.test/trainer:2"
    assert executor["resources"] == {"resourceCpuRequest": "500m", "resourceMemoryLimit": "1Gi"}
    assert "secretAsEnv" in json.dumps(stored.pipeline_spec["platform_spec"])
    assert stored.runtime_config.parameters == {"seconds": 300}
    assert stored.service_account == "runner"


async def test_the_token_is_read_anew_when_its_file_changes(
    pipelines: KfpPipelines, target: PipelinesTarget, proxy: Proxy, token_file: Path
) -> None:
    authenticated = replace(target, token_path=str(token_file))
    await pipelines.find_run(authenticated, "telco-0123456789-1")
    await asyncio.to_thread(token_file.write_text, "second")
    await pipelines.list_runs(authenticated, "telco")
    assert proxy.tokens[0] == "Bearer first"
    assert proxy.tokens[-1] == "Bearer second"


async def test_a_missing_token_file_is_transient(pipelines: KfpPipelines, target: PipelinesTarget) -> None:
    with pytest.raises(Transient, match="/nowhere/token"):
        await pipelines.find_run(replace(target, token_path="/nowhere/token"), "telco-0123456789-1")


async def test_a_persons_kfp_context_is_not_read_and_no_health_is_asked(
    proxy: Proxy, target: PipelinesTarget, package: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = tmp_path / ".config" / "kfp" / "context.json"
    context.parent.mkdir(parents=True)
    context.write_text(json.dumps({"namespace": "", "client_authentication_header_name": "X-Person"}))
    monkeypatch.setenv("HOME", str(tmp_path))
    port = KfpPipelines(Settings(pipelines_endpoint=proxy.url), package)
    await port.find_run(target, "telco-0123456789-1")
    port.close()
    assert proxy.count(_LIST) == len(proxy.requests) == 2


@pytest.mark.parametrize("kind", ["closed_port", "silent_port"])
async def test_an_outage_is_transient_within_ten_seconds(
    package: bytes, kind: str, request: pytest.FixtureRequest
) -> None:
    port: int = request.getfixturevalue(kind)
    pipelines = KfpPipelines(Settings(), package)
    target = PipelinesTarget(f"http://127.0.0.1:{port}", "kubeflow", "experiment-00")
    started = time.monotonic()
    answers = await asyncio.gather(
        pipelines.find_run(target, "telco-0123456789-1"),
        pipelines.submit(_request(target)),
        pipelines.list_runs(target, "telco"),
        return_exceptions=True,
    )
    pipelines.close()
    assert all(isinstance(answer, Transient) for answer in answers), answers
    # Ten, and what a busy machine adds.
    assert time.monotonic() - started < 20


async def test_a_proxys_login_page_is_transient(package: bytes, login_page: str) -> None:
    pipelines = KfpPipelines(Settings(), package)
    with pytest.raises(Transient, match="the answer is not of the KFP API"):
        await pipelines.find_run(PipelinesTarget(login_page, "kubeflow", "e"), "telco-0123456789-1")
    pipelines.close()
