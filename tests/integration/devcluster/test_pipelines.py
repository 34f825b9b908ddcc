"""The unchanged kfp.Client against the endpoint."""

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import kfp
import kfp_server_api
import pytest
import yaml
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.errors import DevclusterError
from churn_devcluster.pipelines.endpoint import PipelinesEndpoint
from churn_devcluster.waiting import wait_until
from kfp import compiler, dsl

pytestmark = [
    pytest.mark.cluster,
    # kfp's generated client leaves its connection pool to the garbage collector.
    pytest.mark.filterwarnings("ignore:This client only works with Kubeflow Pipeline:FutureWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

_FINISHED = {"SUCCEEDED", "FAILED", "CANCELED"}


@dsl.component(base_image="example.test/trainer:1", install_kfp_package=False)
def write_greeting(who: str, greeting: dsl.Output[dsl.Artifact]) -> None:
    import os
    import pathlib

    pathlib.Path(greeting.path).write_text(f"{os.environ.get('GREETING', 'hello')} {who}")


@dsl.component(base_image="example.test/trainer:1", install_kfp_package=False)
def copy_greeting(greeting: dsl.Input[dsl.Artifact], target: str, fail: bool) -> None:
    import shutil

    if fail:
        raise ValueError("the greeting is refused")
    shutil.copyfile(greeting.path, target)


@dsl.component(base_image="example.test/trainer:1", install_kfp_package=False)
def sleep(started: str, seconds: int) -> None:
    import pathlib
    import time

    pathlib.Path(started).touch()
    time.sleep(seconds)


@dsl.pipeline(name="greet")
def greet(who: str, target: str, fail: bool = False) -> None:
    written = write_greeting(who=who)
    copy_greeting(greeting=written.outputs["greeting"], target=target, fail=fail)


@dsl.pipeline(name="wait")
def wait(started: str, seconds: int = 600) -> None:
    sleep(started=started, seconds=seconds)


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("packages")
    paths = {"greet": folder / "greet.yaml", "wait": folder / "wait.yaml"}
    compiler.Compiler().compile(greet, str(paths["greet"]))
    compiler.Compiler().compile(wait, str(paths["wait"]))
    return paths


@pytest.fixture(autouse=True)
def private_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def client(pipelines_endpoint: PipelinesEndpoint) -> kfp.Client:
    return _client(pipelines_endpoint)


def _client(endpoint: PipelinesEndpoint) -> kfp.Client:
    return kfp.Client(host=endpoint.url, namespace="kubeflow")


Submit = Callable[..., kfp_server_api.V2beta1Run]


@pytest.fixture
def submit(client: kfp.Client, packages: dict[str, Path]) -> Submit:
    return _submitter(client, packages)


def _submitter(client: kfp.Client, packages: dict[str, Path], namespace: str | None = None) -> Submit:
    experiment = client.create_experiment(f"experiment-{uuid.uuid4().hex[:8]}", namespace=namespace)

    def run(package: str, name: str | None = None, **params: object) -> kfp_server_api.V2beta1Run:
        return client.run_pipeline(
            experiment.experiment_id,
            name or f"run-{uuid.uuid4().hex[:8]}",
            pipeline_package_path=str(packages[package]),
            params=params,
            enable_caching=False,
        )

    return run


def _finished(client: kfp.Client, run_id: str) -> kfp_server_api.V2beta1Run:
    wait_until(lambda: client.get_run(run_id).state in _FINISHED, "the run to finish", 300)
    return client.get_run(run_id)


def _log(endpoint: PipelinesEndpoint, run_id: str) -> str:
    return httpx.get(f"{endpoint.url}/apis/v2beta1/runs/{run_id}/log", trust_env=False, timeout=60).text


def _equals(name: str) -> str:
    return json.dumps({"predicates": [{"operation": "EQUALS", "key": "display_name", "stringValue": name}]})


def test_a_run_executes_its_steps_and_succeeds(client: kfp.Client, submit: Submit, tmp_path: Path) -> None:
    run = submit("greet", who="world", target=str(tmp_path / "target"))
    assert run.state in {"PENDING", "RUNNING"}
    assert client.get_run(run.run_id).finished_at.year == 1970 or (tmp_path / "target").exists()
    finished = client.wait_for_run_completion(run.run_id, timeout=300, sleep_duration=1)
    assert finished.state == "SUCCEEDED"
    assert (tmp_path / "target").read_text() == "hello world"
    assert [entry.state for entry in finished.state_history] == ["PENDING", "RUNNING", "SUCCEEDED"]
    assert finished.created_at <= finished.finished_at
    assert finished.runtime_config.parameters["who"] == "world"


def test_a_failed_run_has_no_error_and_its_message_in_the_log(
    client: kfp.Client, submit: Submit, pipelines_endpoint: PipelinesEndpoint, tmp_path: Path
) -> None:
    run = submit("greet", who="world", target=str(tmp_path / "target"), fail=True)
    failed = _finished(client, run.run_id)
    assert failed.state == "FAILED"
    assert failed.error is None
    assert "ValueError: the greeting is refused" in _log(pipelines_endpoint, run.run_id)


def test_a_terminated_run_ends_and_its_steps_with_it(client: kfp.Client, submit: Submit, tmp_path: Path) -> None:
    run = submit("wait", started=str(tmp_path / "started"))
    wait_until((tmp_path / "started").exists, "the step to start", 300)
    assert _processes_in(run.run_id)
    client.terminate_run(run.run_id)
    ended = _finished(client, run.run_id)
    assert ended.state == "FAILED"
    assert [entry.state for entry in ended.state_history] == ["PENDING", "RUNNING", "CANCELING", "FAILED"]
    assert not _processes_in(run.run_id)
    with pytest.raises(kfp_server_api.ApiException) as refused:
        client.terminate_run(run.run_id)
    assert refused.value.status == 400
    assert json.loads(refused.value.body)["code"] == 3


def test_a_retried_run_executes_again_under_its_id(client: kfp.Client, submit: Submit, tmp_path: Path) -> None:
    run = submit("greet", who="world", target=str(tmp_path / "absent" / "target"))
    assert _finished(client, run.run_id).state == "FAILED"
    (tmp_path / "absent").mkdir()
    client._run_api.run_service_retry_run(run.run_id)
    assert _finished(client, run.run_id).state == "SUCCEEDED"


def test_a_deleted_run_is_gone_and_so_are_its_processes(client: kfp.Client, submit: Submit, tmp_path: Path) -> None:
    run = submit("wait", started=str(tmp_path / "started"))
    wait_until((tmp_path / "started").exists, "the step to start", 300)
    client.delete_run(run.run_id)
    assert not _processes_in(run.run_id)
    with pytest.raises(kfp_server_api.ApiException) as refused:
        client.get_run(run.run_id)
    assert refused.value.status == 404
    assert json.loads(refused.value.body)["code"] == 5


def test_runs_of_one_name_are_all_found_by_it(client: kfp.Client, submit: Submit, tmp_path: Path) -> None:
    name = f"twice-{uuid.uuid4().hex[:8]}"
    made = {submit("greet", name, who="x", target=str(tmp_path / "t")).run_id for _ in range(2)}
    submit("greet", who="x", target=str(tmp_path / "t"))
    found = client.list_runs(filter=_equals(name))
    assert {run.run_id for run in found.runs} == made
    assert found.total_size == 2
    assert client.list_runs(filter=_equals("nobody")).runs is None


def test_runs_are_listed_by_state_and_storage_state(client: kfp.Client, submit: Submit, tmp_path: Path) -> None:
    good = submit("greet", who="x", target=str(tmp_path / "t"))
    bad = submit("greet", who="x", target=str(tmp_path / "t"), fail=True)
    for run in (good, bad):
        _finished(client, run.run_id)
    client.archive_run(bad.run_id)

    def listed(*predicates: dict[str, object]) -> set[str]:
        answer = client.list_runs(experiment_id=good.experiment_id, filter=json.dumps({"predicates": predicates}))
        return {run.run_id for run in answer.runs or ()}

    states = {"operation": "IN", "key": "state", "stringValues": {"values": ["FAILED", "CANCELED"]}}
    finished = {**states, "stringValues": {"values": ["FAILED", "SUCCEEDED"]}}
    archived = {"operation": 1, "key": "storage_state", "string_value": "ARCHIVED"}
    assert listed(states) == {bad.run_id}
    assert listed(finished) == {good.run_id, bad.run_id}
    assert listed(finished, archived) == {bad.run_id}
    client.unarchive_run(bad.run_id)
    assert listed(finished, archived) == set()


def test_pages_hold_every_run_once_in_the_order_asked_for(client: kfp.Client, submit: Submit, tmp_path: Path) -> None:
    runs = [submit("greet", f"page-{number:02}", who="x", target=str(tmp_path / "t")) for number in range(12)]
    experiment = runs[0].experiment_id
    names: list[str] = []
    token, sizes = "", []
    while True:
        answer = client.list_runs(experiment_id=experiment, page_token=token, sort_by="display_name desc")
        sizes.append(len(answer.runs))
        names += [run.display_name for run in answer.runs]
        token = answer.next_page_token or ""
        if not token:
            break
    assert sizes == [10, 2]
    assert names == [f"page-{number:02}" for number in reversed(range(12))]
    for run in runs:
        client.delete_run(run.run_id)


def test_a_step_gets_the_secret_of_the_platform_spec(
    control_plane: ControlPlane,
    client: kfp.Client,
    packages: dict[str, Path],
    namespace: str,
    kubectl: Callable[..., str],
    tmp_path: Path,
) -> None:
    kubectl("create", "secret", "generic", "words", "--from-literal=word=good morning", namespace=namespace)
    with_secret = tmp_path / "with-secret.yaml"
    environment = {"secretName": "words", "keyToEnv": [{"secretKey": "word", "envVar": "GREETING"}]}
    executors = {"exec-write-greeting": {"secretAsEnv": [environment]}}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
    with_secret.write_text(f"{packages['greet'].read_text()}\n---\n{yaml.safe_dump(platform)}")
    submit = _submitter(client, {"greet": with_secret}, namespace)
    run = submit("greet", who="world", target=str(tmp_path / "target"))
    assert _finished(client, run.run_id).state == "SUCCEEDED"
    assert (tmp_path / "target").read_text() == "good morning world"


def test_a_run_without_its_secret_fails_and_the_log_names_it(
    client: kfp.Client,
    packages: dict[str, Path],
    namespace: str,
    pipelines_endpoint: PipelinesEndpoint,
    tmp_path: Path,
) -> None:
    with_secret = tmp_path / "with-secret.yaml"
    environment = {"secretName": "words", "keyToEnv": [{"secretKey": "word", "envVar": "GREETING"}]}
    executors = {"exec-write-greeting": {"secretAsEnv": [environment]}}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
    with_secret.write_text(f"{packages['greet'].read_text()}\n---\n{yaml.safe_dump(platform)}")
    submit = _submitter(client, {"greet": with_secret}, namespace)
    run = submit("greet", who="world", target=str(tmp_path / "target"))
    assert _finished(client, run.run_id).state == "FAILED"
    assert f"Secret {namespace}/words does not exist" in _log(pipelines_endpoint, run.run_id)


def test_steps_do_not_see_the_submitter_s_credentials(
    control_plane: ControlPlane,
    packages: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GREETING", "stolen")
    with PipelinesEndpoint(tmp_path / "pipelines", control_plane.kubeconfig) as endpoint:
        client = _client(endpoint)
        submit = _submitter(client, packages)
        run = submit("greet", who="world", target=str(tmp_path / "target"))
        assert _finished(client, run.run_id).state == "SUCCEEDED"
    assert (tmp_path / "target").read_text() == "hello world"


def test_bad_runs_are_refused_as_by_the_real_system(
    client: kfp.Client, submit: Submit, packages: dict[str, Path], tmp_path: Path
) -> None:
    target = str(tmp_path / "target")
    refusals = {
        400: [
            lambda: submit("greet", who="x"),
            lambda: submit("greet", who="x", target=target, colour="blue"),
            lambda: client.list_runs(filter='{"predicates": [{"operation": 1, "key": "mood", "stringValue": "x"}]}'),
            lambda: client.list_runs(filter="not JSON"),
            lambda: client.list_runs(page_token="not ours"),
            lambda: client.list_runs(sort_by="mood"),
        ],
        404: [
            lambda: client.get_run("nobody"),
            lambda: client.run_pipeline("nobody", "x", str(packages["greet"]), {"who": "x", "target": target}),
        ],
        500: [lambda: submit("greet", "n" * 300, who="x", target=target)],
    }
    for status, calls in refusals.items():
        for call in calls:
            with pytest.raises(kfp_server_api.ApiException) as refused:
                call()
            assert refused.value.status == status, refused.value.body
            assert set(json.loads(refused.value.body)) == {"code", "message", "details"}


def test_an_experiment_s_name_is_taken_once_in_a_namespace(client: kfp.Client) -> None:
    name = f"experiment-{uuid.uuid4().hex[:8]}"
    first = client.create_experiment(name, namespace="a")
    assert client.create_experiment(name, namespace="a").experiment_id == first.experiment_id
    assert client.create_experiment(name, namespace="b").experiment_id != first.experiment_id
    with pytest.raises(kfp_server_api.ApiException) as refused:
        client._experiment_api.experiment_service_create_experiment(
            experiment=kfp_server_api.V2beta1Experiment(display_name=name, namespace="a")
        )
    assert refused.value.status == 409


def test_at_most_two_runs_execute_at_once_and_the_others_wait(
    control_plane: ControlPlane, packages: dict[str, Path], tmp_path: Path
) -> None:
    with PipelinesEndpoint(tmp_path / "pipelines", control_plane.kubeconfig) as endpoint:
        client = _client(endpoint)
        submit = _submitter(client, packages)
        runs = [submit("wait", started=str(tmp_path / str(number))).run_id for number in range(3)]
        wait_until(lambda: (tmp_path / "0").exists() and (tmp_path / "1").exists(), "two runs", 300)
        assert [client.get_run(run).state for run in runs] == ["RUNNING", "RUNNING", "PENDING"]
        client.terminate_run(runs[0])
        wait_until((tmp_path / "2").exists, "the third run", 300)
        assert client.get_run(runs[2]).state == "RUNNING"


def test_after_a_crash_what_executed_has_failed_and_what_waited_executes(
    control_plane: ControlPlane, packages: dict[str, Path], tmp_path: Path
) -> None:
    endpoint = PipelinesEndpoint(tmp_path / "pipelines", control_plane.kubeconfig, concurrent_runs=1)
    with endpoint:
        client = _client(endpoint)
        submit = _submitter(client, packages)
        done = submit("greet", who="x", target=str(tmp_path / "done")).run_id
        _finished(client, done)
        executing = submit("wait", started=str(tmp_path / "started")).run_id
        waiting = submit("greet", who="world", target=str(tmp_path / "target")).run_id
        wait_until((tmp_path / "started").exists, "the step to start", 300)
        endpoint.kill()
        assert not _processes_in(executing)
        endpoint.start()
        assert client.get_run(executing).state == "FAILED"
        assert client.get_run(done).state == "SUCCEEDED"
        assert _finished(client, waiting).state == "SUCCEEDED"
    assert (tmp_path / "target").read_text() == "hello world"


def test_a_waiting_run_that_is_terminated_never_executes(
    control_plane: ControlPlane, packages: dict[str, Path], tmp_path: Path
) -> None:
    endpoint = PipelinesEndpoint(tmp_path / "pipelines", control_plane.kubeconfig, concurrent_runs=1)
    with endpoint:
        client = _client(endpoint)
        submit = _submitter(client, packages)
        executing = submit("wait", started=str(tmp_path / "started")).run_id
        waiting = submit("greet", who="world", target=str(tmp_path / "target")).run_id
        client.terminate_run(waiting)
        assert client.get_run(waiting).state == "CANCELED"
        client.terminate_run(executing)
        _finished(client, executing)
        after = submit("greet", who="x", target=str(tmp_path / "after")).run_id
        assert _finished(client, after).state == "SUCCEEDED"
    assert not (tmp_path / "target").exists()


def test_a_browser_gets_a_page_of_runs(pipelines_endpoint: PipelinesEndpoint) -> None:
    answer = httpx.get(pipelines_endpoint.url, trust_env=False)
    assert answer.headers["content-type"].startswith("text/html")
    assert "<title>Pipeline runs</title>" in answer.text


def test_a_taken_port_is_refused_with_a_sentence_that_names_it(
    pipelines_endpoint: PipelinesEndpoint, control_plane: ControlPlane, tmp_path: Path
) -> None:
    with pytest.raises(DevclusterError, match=f"Port {pipelines_endpoint.port} .* is taken"):
        PipelinesEndpoint(tmp_path, control_plane.kubeconfig, port=pipelines_endpoint.port)


def _processes_in(run_id: str) -> list[int]:
    """Processes whose HOME is the run's folder: the one that executes it, and its steps."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"/runs/{run_id}\0".encode() in environment:
                found.append(int(entry.name))
    return found
