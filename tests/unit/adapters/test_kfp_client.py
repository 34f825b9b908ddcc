"""What a client of KFP leaves on the machine, and what it takes for an answer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from churn_operator.adapters.kfp_client import new_client
from churn_operator.adapters.kubernetes_api import load_client

pytestmark = pytest.mark.unit


def test_a_client_needs_no_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    new_client("http://127.0.0.1:1", None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ['{"runs": [', '{"runs": [{"run_id": "a"}', "[]", "null", "", '"runs"'])
def test_half_an_answer_is_not_taken_for_an_empty_list(text: str) -> None:
    api_client = new_client("http://127.0.0.1:1", None).runs.api_client
    with pytest.raises(ValueError, match=r"no JSON object|Expecting"):
        api_client.deserialize(SimpleNamespace(data=text), "V2beta1ListRunsResponse")
    read = api_client.deserialize(SimpleNamespace(data='{"runs": [{"run_id": "a"}]}'), "V2beta1ListRunsResponse")
    assert [run.run_id for run in read.runs] == ["a"]


_KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: one, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: one, user: {}}]
contexts: [{name: one, context: {cluster: one, user: one}}]
current-context: one
"""


def test_a_busy_server_is_heard_and_not_asked_again_by_the_sdks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(_KUBECONFIG)
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    for api_client in (new_client("http://127.0.0.1:1", None).runs.api_client, load_client()):
        retries = api_client.rest_client.pool_manager.connection_pool_kw["retries"]
        assert not retries.is_retry("GET", 429, has_retry_after=True)
