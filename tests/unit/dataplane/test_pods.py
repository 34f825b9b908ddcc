"""What a pod is told: arguments, and its way to the object store."""

from __future__ import annotations

import base64
import sys
from pathlib import Path
from typing import Any

import pytest
from churn_devcluster.dataplane.model import DeploymentMode, Service, Template
from churn_devcluster.dataplane.pod_environment import with_addresses
from churn_devcluster.dataplane.servers import PodSpec, arguments, command, too_slow
from churn_devcluster.dataplane.state import StateFolder
from churn_devcluster.dataplane.storage import S3Access, StorageError, download, is_s3_secret, s3_access
from churn_devcluster.processes import Process


def pod_spec(model: dict[str, Any], container: dict[str, Any]) -> PodSpec:
    template = Template(
        labels={}, annotations={}, predictor={"model": model}, runtime="churn", runtime_container=container
    )
    return PodSpec("m-predictor-00001", "m", template, Path("/work/models/1"), Path("/work/logs"))


OWN = ["--model_name", "m", "--model_dir", "/work/models/1", "--http_port", "15001", "--host", "127.0.0.1"]


def test_name_folder_and_address_are_ours_and_the_rest_is_passed_on() -> None:
    container = {"args": ["--model_name={{.Name}}", "--model_dir=/mnt/models", "--http_port", "8080", "--workers=2"]}
    model = {"args": ["--host=0.0.0.0", "--max_instances", "7"]}
    assert arguments(pod_spec(model, container), 15001) == [*OWN, "--workers=2", "--max_instances", "7"]


def test_a_named_model_answers_to_its_name() -> None:
    assert arguments(pod_spec({"name": "churn"}, {}), 15001)[1] == "churn"
    assert arguments(pod_spec({"name": ""}, {}), 15001) == OWN


def test_a_name_among_the_predictors_arguments_is_the_later_one_and_counts() -> None:
    named = {"name": "churn", "args": ["--model_name=telco"]}
    assert arguments(pod_spec(named, {"args": ["--model_name={{.Name}}"]}), 15001) == [
        "--model_name",
        "telco",
        *OWN[2:],
    ]


def test_a_runtimes_command_goes_before_the_entry_point_of_the_image() -> None:
    image = ("/usr/bin/server",)
    assert command(pod_spec({}, {}).template, image) == ["/usr/bin/server"]
    python = pod_spec({}, {"command": ["python", "-m", "mine"]}).template
    assert command(python, image) == [sys.executable, "-m", "mine"]


def test_the_last_words_of_a_server_that_took_too_long_are_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("importing\n")
    assert too_slow(Process("m-predictor-00001", [], tmp_path / "log"), 300).message == (
        "m-predictor-00001 was ended, because it was not ready after 300 s. The end of its log:\nimporting"
    )


def secret(**annotations: str) -> dict[str, Any]:
    data = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "secret"}
    return {
        "metadata": {"annotations": {f"serving.kserve.io/s3-{key}": value for key, value in annotations.items()}},
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
    }


def test_s3_access_comes_from_data_and_annotations() -> None:
    found = s3_access(secret(endpoint="127.0.0.1:8333", usehttps="0", verifyssl="0", region="eu"))
    assert found == S3Access("127.0.0.1:8333", False, False, "eu", "me", "secret")
    assert s3_access(secret()) == S3Access("", True, True, "", "me", "secret")


def test_another_secret_is_not_taken() -> None:
    assert is_s3_secret(secret())
    assert not is_s3_secret({"metadata": {}, "data": {"password": "x"}})
    assert not is_s3_secret({"metadata": {}})


def test_a_uri_that_is_not_s3_fails_the_storage_initializer(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gs://bucket/model.*s3:// only"):
        download("gs://bucket/model", S3Access(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_the_state_file_gives_back_what_it_was_given(tmp_path: Path) -> None:
    service = Service(namespace="n", name="m", uid="u", mode=DeploymentMode.STANDARD, generation=4)
    StateFolder(tmp_path).save(service)
    assert StateFolder(tmp_path).load() == {"u": service}


def test_a_state_file_that_nobody_can_read_is_skipped(tmp_path: Path) -> None:
    service = Service(namespace="n", name="m", uid="u", mode=DeploymentMode.KNATIVE)
    StateFolder(tmp_path).save(service)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "service.json").write_text("{")
    assert StateFolder(tmp_path).load() == {"u": service}


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ("http://m-v1-predictor.shop.svc", "http://gateway/shop/m-v1"),
        ("http://m-predictor.shop.svc.cluster.local/v1", "http://gateway/shop/m/v1"),
        ("http://minio.shop.svc:9000", "http://minio.shop.svc:9000"),
        ("http://m-predictor.shop.svcs", "http://m-predictor.shop.svcs"),
    ],
)
def test_the_service_of_a_predictor_is_found_without_dns(value: str, resolved: str) -> None:
    found = with_addresses({"A": value}, lambda namespace, name: f"http://gateway/{namespace}/{name}")
    assert found == {"A": resolved}
