"""What the operator makes of an object that a user says is a compiled pipeline."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_operator.adapters.kfp_package import declared_of, package_in, pipeline_package, prepare
from churn_operator.adapters.kfp_reading import MOST_INPUTS, read_package
from churn_operator.core.observation import PipelineInput, PipelinePackage, UnreadablePackage
from churn_operator.core.pipeline_contract import GIVEN, unsuitable
from kfp import compiler, dsl
from kfp.dsl import Dataset, Input, Output

pytestmark = pytest.mark.unit


@dsl.component(base_image="python:3.12", install_kfp_package=False)
def prepare_data(uri: str, table: Output[Dataset]) -> None:
    pass


@dsl.component(base_image="team/trainer:1", install_kfp_package=False)
def train(table: Input[Dataset], seed: int, output_uri: str, key: str) -> None:
    pass


@dsl.pipeline(name="inner")
def inner(uri: str, seed: int, output_uri: str, key: str) -> None:
    table = prepare_data(uri=uri).outputs["table"]
    train(table=table, seed=seed, output_uri=output_uri, key=key)


@dsl.pipeline(name="of-ones-own")
def of_ones_own(
    output_uri: str,
    key: str,
    dataset_uri: str,
    seed: int = 1,
    share: float = 0.5,
    tags: list = [],  # noqa: B006
) -> None:
    inner(uri=dataset_uri, seed=seed, output_uri=output_uri, key=key)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("package") / "own.yaml"
    compiler.Compiler().compile(of_ones_own, str(path))
    return path.read_bytes()


def changed(package: bytes, **parts: Any) -> bytes:
    """The package with some of its parts replaced; None removes one."""
    document = {**yaml.safe_load(package), **parts}
    return yaml.safe_dump({name: part for name, part in document.items() if part is not None}).encode()


def test_a_package_says_what_it_takes_and_which_steps_it_has(package: bytes) -> None:
    found = read_package(package)
    assert isinstance(found, PipelinePackage)
    assert found.digest == hashlib.sha256(package).hexdigest()
    assert found.inputs == (
        PipelineInput("dataset_uri", "STRING", required=True),
        PipelineInput("key", "STRING", required=True),
        PipelineInput("output_uri", "STRING", required=True),
        PipelineInput("seed", "NUMBER_INTEGER", required=False),
        PipelineInput("share", "NUMBER_DOUBLE", required=False),
        PipelineInput("tags", "LIST", required=False),
    )
    assert found.steps == ("prepare-data", "train")
    assert unsuitable(found) is None


def test_the_built_in_pipeline_is_one_that_a_user_could_bring() -> None:
    found = read_package(pipeline_package())
    assert isinstance(found, PipelinePackage)
    assert unsuitable(found) is None
    assert {one.name for one in found.inputs} == set(GIVEN)
    assert "train" in found.steps


def test_an_artifact_that_a_pipeline_takes_is_an_input_too(tmp_path: Path) -> None:
    @dsl.pipeline(name="takes-an-artifact")
    def takes_an_artifact(output_uri: str, key: str, table: Input[Dataset]) -> None:
        train(table=table, seed=1, output_uri=output_uri, key=key)

    compiler.Compiler().compile(takes_an_artifact, str(tmp_path / "p.yaml"))
    found = read_package((tmp_path / "p.yaml").read_bytes())
    assert isinstance(found, PipelinePackage)
    assert PipelineInput("table", "ARTIFACT", required=True) in found.inputs
    assert "requires table" in (unsuitable(found) or "")


ARGO = b"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {entrypoint: churn, templates: []}\n"
MANIFEST = b"apiVersion: pipelines.kubeflow.org/v2beta1\nkind: PipelineVersion\nspec: {pipelineSpec: {}}\n"
BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no KFP package"),
        (b"\x00\x01\x02", "is not YAML"),
        (b"\xff\xfe\xfa", "is not YAML"),
        (b"PK\x03\x04zip", "is not YAML"),
        (b"root: [1,\nroot: 2", "is not YAML (line 3)"),
        (b"from kfp import dsl\n", "is no KFP package"),
        (b"- a\n- b\n", "is no KFP package"),
        (b"a: !!python/object/apply:os.system ['true']\n", "is not YAML"),
        (b"root: {}\n---\n3\n", "is no KFP package"),
        (b'{"pipelineSpec": {}, "runtimeConfig": {}}', "lacks pipelineInfo and root and deploymentSpec"),
        (ARGO, "is an Argo Workflow, as kfp 1 compiled it: compile the pipeline with kfp 2"),
        (MANIFEST, "is a Kubernetes manifest of kind PipelineVersion"),
        (BOMB, "YAML aliases"),
        (b"[" * 100_000, "is not YAML"),
        (b"{pipelineInfo: {}, root: {}, deploymentSpec: {}}", "has no step"),
    ],
)
def test_what_is_no_compiled_pipeline_is_told_in_a_sentence(content: bytes, said: str) -> None:
    found = read_package(content)
    assert isinstance(found, UnreadablePackage)
    assert said in found.message
    assert "kfp 2" in found.message


@pytest.mark.parametrize(
    "parts",
    [
        {"root": {"dag": 5}},
        {"pipelineInfo": {"name": ["a"]}},
        {"root": {"inputDefinitions": {"parameters": {"key": "STRING"}}}},
        {"deploymentSpec": {"executors": [1]}},
        {"deploymentSpec": {"executors": {"exec-train": None}}},
        {"components": {1: {"dag": {}}}},
    ],
)
def test_parts_that_kfp_could_not_read_are_refused(package: bytes, parts: dict[str, Any]) -> None:
    assert isinstance(read_package(changed(package, **parts)), UnreadablePackage)


@pytest.mark.parametrize(
    "parts",
    [
        {"components": None},
        {"components": {"comp-train": {"dag": None}}},
        {"root": {"inputDefinitions": None}},
        {"deploymentSpec": {"executors": {"exec-train": {"container": None}}}},
        {"deploymentSpec": {"executors": {"exec-train": {"container": {"env": None}}}}},
        {"deploymentSpec": {"executors": {"exec-train": {"container": {"resources": None}}}}},
    ],
)
def test_parts_that_no_run_could_be_made_of_are_refused(package: bytes, parts: dict[str, Any]) -> None:
    document = yaml.safe_load(package)
    broken = {name: part if part is None else {**document[name], **part} for name, part in parts.items()}
    content = yaml.safe_dump(document | broken).encode()
    found = package_in(content)
    assert isinstance(found, UnreadablePackage)
    assert "kfp 2" in found.message


def test_a_platform_specification_that_no_run_could_be_made_of_is_refused(package: bytes) -> None:
    found = package_in(package + b"\n---\nplatforms: {kubernetes: {deploymentSpec: {executors: 5}}}\n")
    assert isinstance(found, UnreadablePackage)
    assert isinstance(package_in(package), PipelinePackage)


def test_more_inputs_than_a_status_can_hold_are_refused(package: bytes) -> None:
    root = yaml.safe_load(package)["root"]
    more = {f"input{number}": {"parameterType": "STRING"} for number in range(MOST_INPUTS)}
    root["inputDefinitions"]["parameters"] |= more
    found = read_package(changed(package, root=root))
    assert isinstance(found, UnreadablePackage)
    assert "more than 200 inputs" in found.message


def test_what_a_newer_compiler_writes_is_let_through(package: bytes) -> None:
    found = read_package(changed(package, somethingNew={"a": 1}))
    assert isinstance(found, PipelinePackage)


def test_a_platform_specification_is_read_too(package: bytes) -> None:
    platforms = "\n---\nplatforms: {kubernetes: {deploymentSpec: {executors: {}}}}\n"
    assert isinstance(read_package(package + platforms.encode()), PipelinePackage)
    assert isinstance(read_package(package + b"\n---\nplatforms: 7\n"), UnreadablePackage)


# What a run is given


def _containers(prepared: dict[str, Any]) -> dict[str, Any]:
    executors = prepared["pipeline_spec"]["deploymentSpec"]["executors"]
    return {name: executor["container"] for name, executor in executors.items()}


def _secrets(prepared: dict[str, Any]) -> dict[str, list[str]]:
    executors = prepared["platform_spec"]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name: [source["secretName"] for source in one["secretAsEnv"]] for name, one in executors.items()}


def test_without_an_image_every_step_keeps_its_own(package: bytes) -> None:
    kept = _containers(prepare(package, None, (), (), "s"))
    assert {name: one["image"] for name, one in kept.items()} == {
        "exec-prepare-data": "python:3.12",
        "exec-train": "team/trainer:1",
    }
    replaced = _containers(prepare(package, "i", (), (), "s"))
    assert {one["image"] for one in replaced.values()} == {"i"}


def test_steps_of_inner_pipelines_get_credentials_and_no_cache_too(package: bytes) -> None:
    prepared = prepare(package, None, (), (), "s")
    assert _secrets(prepared) == {"exec-prepare-data": ["s"], "exec-train": ["s"]}
    components = prepared["pipeline_spec"]["components"].values()
    tasks = [task for one in components for task in one.get("dag", {}).get("tasks", {}).values()]
    assert len(tasks) == 2
    assert all(task["cachingOptions"] == {"enableCache": False} for task in tasks)


def test_a_step_that_brings_its_own_credentials_keeps_them(package: bytes) -> None:
    spec = yaml.safe_load(package)
    environment = [{"name": "AWS_ACCESS_KEY_ID", "value": "mine"}]
    spec["deploymentSpec"]["executors"]["exec-prepare-data"]["container"]["env"] = environment
    source = {"secretName": "mine", "keyToEnv": [{"secretKey": "key", "envVar": "AWS_SECRET_ACCESS_KEY"}]}
    platform = {
        "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-train": {"secretAsEnv": [source]}}}}}
    }
    prepared = prepare(yaml.safe_dump_all([spec, platform]).encode(), None, (), (), "s")
    assert _secrets(prepared) == {"exec-prepare-data": [], "exec-train": ["mine"]}


def test_only_declared_parameters_are_given(package: bytes) -> None:
    given: dict[str, str | int] = {"key": "k", "seed": 7, "hyperparameters": "{}", "algorithm": "auto"}
    assert declared_of(given, package) == {"key": "k", "seed": 7}
