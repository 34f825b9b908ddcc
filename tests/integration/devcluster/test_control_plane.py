"""The API server starts, authenticates, authorizes, and survives a restart with its objects."""

from __future__ import annotations

import json
from pathlib import Path

import kubernetes
import pytest
from churn_devcluster.binaries import Binaries
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.errors import DevclusterError
from churn_devcluster.ports import free_port, is_listening

pytestmark = pytest.mark.cluster


def _config_map(name: str) -> dict[str, object]:
    return {"metadata": {"name": name}, "data": {"colour": "blue"}}


def test_a_restart_of_the_api_server_keeps_port_objects_and_credentials(binaries: Binaries, tmp_path: Path) -> None:
    with ControlPlane(tmp_path, binaries) as control_plane, control_plane.client() as client:
        server = control_plane.server
        api = kubernetes.client.CoreV1Api(client)
        api.create_namespaced_config_map("default", _config_map("kept"))
        control_plane.restart_apiserver()
        assert control_plane.server == server
        assert api.read_namespaced_config_map("kept", "default").data == {"colour": "blue"}


def test_a_later_start_in_the_same_folder_finds_the_objects_again(binaries: Binaries, tmp_path: Path) -> None:
    for _ in range(2):
        with ControlPlane(tmp_path, binaries) as control_plane:
            control_plane.create_namespace("kept")
    with ControlPlane(tmp_path, binaries) as control_plane, control_plane.client() as client:
        names = {item.metadata.name for item in kubernetes.client.CoreV1Api(client).list_namespace().items}
    assert "kept" in names
    assert not is_listening(control_plane.port)


def test_rbac_refuses_a_user_without_a_role(control_plane: ControlPlane, tmp_path: Path) -> None:
    kubeconfig = control_plane.user_kubeconfig("somebody", ["guests"], tmp_path / "somebody.kubeconfig")
    with kubernetes.config.new_client_from_config(str(kubeconfig)) as client:
        with pytest.raises(kubernetes.client.ApiException) as refused:
            kubernetes.client.CoreV1Api(client).list_namespace()
        reviewed = kubernetes.client.AuthenticationV1Api(client).create_self_subject_review({})
    assert refused.value.status == 403
    assert reviewed.status.user_info.username == "somebody"
    assert "guests" in reviewed.status.user_info.groups


def test_a_service_account_authenticates_by_token(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> None:
    kubeconfig = control_plane.service_account_kubeconfig(namespace, "operator", tmp_path / "operator.kubeconfig")
    with kubernetes.config.new_client_from_config(str(kubeconfig)) as client:
        reviewed = kubernetes.client.AuthenticationV1Api(client).create_self_subject_review({})
    assert reviewed.status.user_info.username == f"system:serviceaccount:{namespace}:operator"


def test_kubectl_sees_the_fresh_namespace(kubectl, namespace: str) -> None:
    assert kubectl("get", "namespace", namespace, "--output=name").strip() == f"namespace/{namespace}"


def test_the_audit_log_tells_who_wrote_what(binaries: Binaries, tmp_path: Path) -> None:
    with ControlPlane(tmp_path, binaries, audit=True) as control_plane:
        control_plane.create_namespace("watched")
        control_plane.stop_apiserver(graceful=True)
        events = [json.loads(line) for line in control_plane.audit_log.read_text().splitlines()]
    writes = [event for event in events if event["user"]["username"] == "admin" and event["verb"] == "create"]
    assert [event["requestURI"] for event in writes] == ["/api/v1/namespaces"]


def test_a_taken_port_is_refused_with_a_sentence_that_names_it(
    control_plane: ControlPlane, binaries: Binaries, tmp_path: Path
) -> None:
    with pytest.raises(DevclusterError, match=f"Port {control_plane.port} .* is taken by another process"):
        ControlPlane(tmp_path, binaries, port=control_plane.port)


def test_an_api_server_that_cannot_run_is_reported_with_the_end_of_its_log(binaries: Binaries, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "etcd").symlink_to(binaries.etcd)
    (broken / "kube-apiserver").write_text("#!/bin/sh\necho out of cheese >&2\nexit 3\n")
    (broken / "kube-apiserver").chmod(0o755)
    control_plane = ControlPlane(tmp_path / "work", Binaries(broken), port=free_port())
    with pytest.raises(DevclusterError, match=r"kube-apiserver ended while waiting(?s:.*)out of cheese"):
        control_plane.start()
    assert not control_plane.running
