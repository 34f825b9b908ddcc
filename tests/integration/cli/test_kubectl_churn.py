"""`kubectl churn` through the real kubectl against the real API server."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import kubernetes
import pytest
import yaml
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.ports import free_port
from churn_operator.api.reading import write_status
from churnctl.errors import ExitCode

from tests.integration.api.conftest import ChurnModels
from tests.integration.api.specs import MINIMAL
from tests.integration.cli.conftest import Run, in_terminal
from tests.unit.api.statuses import FULL

pytestmark = pytest.mark.cluster

EXEC_PROTOCOL = "client.authentication.k8s.io/v1"


@pytest.fixture
def served(churnmodels: ChurnModels) -> ChurnModels:
    """`churn` with every field of status set, and `churn-too` with none."""
    churnmodels.apply(MINIMAL)
    churnmodels.apply_status(write_status(FULL))
    churnmodels.apply(MINIMAL, "churn-too")
    return churnmodels


def _without_ages(table: str) -> list[list[str]]:
    return [[re.sub(r"^(\d+[ydhms])+$", "age", word) for word in line.split()] for line in table.splitlines()]


def test_get_prints_the_columns_of_kubectl(churn: Run, served: ChurnModels, kubectl: Any) -> None:
    for flags in ([], ["-o", "wide"]):
        mine = churn("get", *flags, "-n", served.namespace).stdout
        theirs = kubectl("get", "churnmodels", *flags, namespace=served.namespace)
        assert _without_ages(mine) == _without_ages(theirs)
    everywhere = churn("-n", "ignored", "get", "-A").stdout.splitlines()
    assert everywhere[0].startswith("NAMESPACE")
    assert any(line.split()[:2] == [served.namespace, "churn-too"] for line in everywhere)


def test_get_for_programs(churn: Run, served: ChurnModels) -> None:
    one = json.loads(churn("get", "churnmodel/churn", "-n", served.namespace, "-o", "json").stdout)
    assert one["metadata"]["name"] == "churn"
    assert "managedFields" not in one["metadata"]
    several = yaml.safe_load(churn("get", "-n", served.namespace, "-o", "yaml").stdout)
    assert [item["kind"] for item in several["items"]] == ["ChurnModel", "ChurnModel"]
    assert churn("get", "-n", served.namespace, "-o", "name").stdout.split() == [
        "churnmodel.churnops.dev/churn",
        "churnmodel.churnops.dev/churn-too",
    ]


def test_status_and_history_tell_the_story(churn: Run, served: ChurnModels) -> None:
    status = churn("status", "churn", "-n", served.namespace).stdout
    assert status.startswith(f"churn  RollingOut  {served.namespace}")
    assert "v2 Candidate" in status
    history = churn("history", "churn", "-n", served.namespace).stdout.splitlines()
    assert [line.split()[0] for line in history[:3]] == ["VERSION", "v2", "v1"]
    one = churn("history", "churn", "--version", "1", "-n", served.namespace).stdout
    assert "rocAuc" in one
    assert "0.8451" in one
    assert json.loads(churn("status", "churn", "-n", served.namespace, "-o", "json").stdout) == write_status(FULL)


def test_diff_says_why_hyperparameters_are_not_there(churn: Run, served: ChurnModels) -> None:
    done = churn("diff", "churn", "v1", "v2", "-n", served.namespace)
    assert done.returncode == ExitCode.OK
    assert "training key" in done.stdout
    assert "set AWS_ACCESS_KEY_ID" in done.stderr
    missing = churn("diff", "churn", "1", "7", "-n", served.namespace)
    assert (missing.returncode, missing.stderr) == (
        ExitCode.NOT_FOUND,
        "error: churn has no version 7; it has v1, v2.\n",
    )


def test_a_watch_prints_each_change_outlasts_the_api_server_and_ends_with_the_object(
    served: ChurnModels, control_plane: ControlPlane, environment: Mapping[str, str], kubectl: Any
) -> None:
    command = ["kubectl", "churn", "status", "churn", "--watch", "-o", "json", "-n", served.namespace]
    with subprocess.Popen(
        command, env=dict(environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        assert json.loads(run.stdout.readline())["phase"] == "RollingOut"
        served.apply_status({**write_status(FULL), "phase": "Serving"})
        assert json.loads(run.stdout.readline())["phase"] == "Serving"
        control_plane.restart_apiserver()
        served.apply_status({**write_status(FULL), "phase": "Training"})
        assert json.loads(run.stdout.readline())["phase"] == "Training"
        kubectl("delete", "churnmodel", "churn", "--wait=false", namespace=served.namespace)
        assert run.wait(timeout=120) == ExitCode.NOT_FOUND
        assert run.stderr is not None
        assert 'ChurnModel "churn"' in run.stderr.read()


# Verbs: what writes to status here is the test, in the operator's place


def heed(served: ChurnModels, verb: str, **rollout: Any) -> threading.Thread:
    """Waits for the annotation and records it as heeded, as docs/conditions.md says the operator does."""

    def operate() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            item = served._send("GET", "/churn", "churn", {}, {})
            value = item["metadata"].get("annotations", {}).get(f"churnops.dev/{verb}")
            if value is not None and value != FULL.consumed.get(verb):
                status = write_status(FULL)
                consumed = {**status.get("consumed", {}), verb: value}
                served.apply_status({**status, "consumed": consumed, "rollout": {**status["rollout"], **rollout}})
                return
            time.sleep(0.1)

    thread = threading.Thread(target=operate, daemon=True)
    thread.start()
    return thread


def test_a_verb_is_annotated_and_waited_for(churn: Run, served: ChurnModels) -> None:
    verb, rollout = ("resume", {"paused": False}) if FULL.rollout.paused else ("pause", {"paused": True})
    operator = heed(served, verb, **rollout)
    done = churn(verb, "churn", "-n", served.namespace)
    operator.join(timeout=60)
    assert done.returncode == ExitCode.OK, done.stderr
    assert "the rollout of version 2" in done.stdout


def test_a_verb_that_nobody_heeds_is_said_after_the_time(churn: Run, served: ChurnModels) -> None:
    done = churn("abort", "churn", "--timeout", "0.5", "-n", served.namespace)
    assert done.returncode == ExitCode.UNREACHABLE
    assert "was not heeded within 0.5 s: see whether the operator runs" in done.stderr


def test_a_verb_that_the_operator_ignores_is_said_with_its_reason(
    churn: Run, served: ChurnModels, control_plane: ControlPlane
) -> None:
    message = "churnops.dev/abort=2 is ignored: no version is on its way into service"
    now = datetime.now(UTC).isoformat()
    event = {
        "metadata": {"name": "ignored", "namespace": served.namespace},
        "involvedObject": {"kind": "ChurnModel", "name": "churn", "namespace": served.namespace},
        "reason": "AnnotationIgnored",
        "message": message,
        "type": "Warning",
        "lastTimestamp": now,
        "firstTimestamp": now,
    }
    with control_plane.client() as client:
        kubernetes.client.CoreV1Api(client).create_namespaced_event(served.namespace, event)
    operator = heed(served, "abort")
    done = churn("abort", "churn", "-n", served.namespace)
    operator.join(timeout=60)
    assert (done.returncode, done.stderr) == (ExitCode.FAILED, f"error: {message}.\n")


def test_rollback_sets_and_clears_the_pin(churn: Run, served: ChurnModels) -> None:
    def pin() -> Any:
        return served._send("GET", "/churn", "churn", {}, {})["spec"].get("rollbackTo")

    assert churn("rollback", "churn", "--to", "2", "--no-wait", "-n", served.namespace).returncode == ExitCode.OK
    assert pin() == 2
    cleared = churn("rollback", "churn", "--clear", "-n", served.namespace)
    assert "the pin is removed" in cleared.stdout
    assert pin() is None
    assert churn("rollback", "churn", "--to", "9", "-n", served.namespace).returncode == ExitCode.NOT_FOUND
    late = churn("rollback", "churn", "--to", "2", "--timeout", "0.3", "-n", served.namespace)
    assert late.returncode == ExitCode.UNREACHABLE
    owner = [each["manager"] for each in served._send("GET", "/churn", "churn", {}, {})["metadata"]["managedFields"]]
    assert "kubectl-churn" in owner


def test_a_suspended_model_is_told_and_not_waited_for(churn: Run, served: ChurnModels) -> None:
    served.apply({**MINIMAL, "suspend": True})
    done = churn("rollback", "churn", "--to", "2", "-n", served.namespace)
    assert (done.returncode, done.stdout) == (
        ExitCode.OK,
        "churn: version 2 is asked for. It waits while spec.suspend is true.\n",
    )


# What can go wrong


def test_a_name_that_is_not_there_brings_up_those_that_are_near(churn: Run, served: ChurnModels) -> None:
    done = churn("status", "chrun", "-n", served.namespace)
    assert done.returncode == ExitCode.NOT_FOUND
    assert f'There is no ChurnModel "chrun" in namespace "{served.namespace}": did you mean churn' in done.stderr


def test_a_person_without_rights_learns_verb_and_resource(
    churn: Run, served: ChurnModels, control_plane: ControlPlane, tmp_path: Path
) -> None:
    nobody = str(control_plane.user_kubeconfig("mallory", [], tmp_path / "mallory.kubeconfig"))
    done = churn("get", "-n", served.namespace, KUBECONFIG=nobody)
    assert (done.returncode, done.stderr) == (
        ExitCode.FORBIDDEN,
        f'error: User "mallory" may not list churnmodels in namespace "{served.namespace}": '
        "ask for the ClusterRole churnmodels-view there.\n",
    )


def test_a_person_who_may_only_look_cannot_approve(
    churn: Run, served: ChurnModels, control_plane: ControlPlane, kubectl: Any, tmp_path: Path
) -> None:
    namespace = served.namespace
    kubectl("create", "role", "look", "--verb=get,list", "--resource=churnmodels.churnops.dev", namespace=namespace)
    kubectl("create", "rolebinding", "look", "--role=look", "--user=vera", namespace=namespace)
    vera = str(control_plane.user_kubeconfig("vera", [], tmp_path / "vera.kubeconfig"))
    assert churn("status", "churn", "-n", namespace, KUBECONFIG=vera).returncode == ExitCode.OK
    done = churn("abort", "churn", "-n", namespace, KUBECONFIG=vera)
    assert done.returncode == ExitCode.FORBIDDEN
    assert f'User "vera" may not patch churnmodels in namespace "{namespace}"' in done.stderr


def test_a_cluster_that_is_not_there(churn: Run, control_plane: ControlPlane, tmp_path: Path) -> None:
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{free_port()}"
    gone = tmp_path / "gone"
    gone.write_text(yaml.safe_dump(config))
    done = churn("get", KUBECONFIG=str(gone))
    assert done.returncode == ExitCode.UNREACHABLE
    assert "does not answer: Connection refused" in done.stderr
    assert churn("get", "--context", "none").returncode == ExitCode.NOT_FOUND
    assert churn("get", KUBECONFIG=str(tmp_path / "absent")).returncode == ExitCode.NOT_FOUND


class LoginPage(BaseHTTPRequestHandler):
    """What a proxy shows to who is not logged in."""

    def do_GET(self) -> None:
        """A page with status 200, whatever was asked for."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Please log in.</html>")

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


def test_a_server_that_is_something_else(churn: Run, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), LoginPage) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = tmp_path / "config"
        config.write_text(
            yaml.safe_dump(
                {
                    "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
                    "contexts": [{"name": "c", "context": {"cluster": "c"}}],
                    "current-context": "c",
                }
            )
        )
        done = churn("get", KUBECONFIG=str(config))
        server.shutdown()
    assert done.returncode == ExitCode.UNREACHABLE
    assert "answers with text/html, so it is no API server" in done.stderr


def test_an_exec_plugin_of_the_present_protocol_logs_in(
    churn: Run, served: ChurnModels, control_plane: ControlPlane, kubectl: Any, tmp_path: Path
) -> None:
    namespace = served.namespace
    token = control_plane.service_account_token(namespace, "robot")
    kubectl(
        "create",
        "rolebinding",
        "r",
        "--clusterrole=cluster-admin",
        f"--serviceaccount={namespace}:robot",
        namespace=namespace,
    )
    plugin = tmp_path / "plugin"
    credential = {"apiVersion": EXEC_PROTOCOL, "kind": "ExecCredential", "status": {"token": token}}
    plugin.write_text(
        '#!/bin/sh\ncase "$KUBERNETES_EXEC_INFO" in *authentication.k8s.io/v1*) ;; *) exit 3;; esac\n'
        f"echo '{json.dumps(credential)}'\n"
    )
    plugin.chmod(0o755)
    config = yaml.safe_load(control_plane.kubeconfig.read_text())
    user = {"exec": {"apiVersion": EXEC_PROTOCOL, "command": str(plugin), "interactiveMode": "Never"}}
    config["users"][0]["user"] = user
    mine = tmp_path / "config"
    mine.write_text(yaml.safe_dump(config))
    assert churn("get", "churn", "-n", namespace, KUBECONFIG=str(mine)).returncode == ExitCode.OK
    user["exec"]["command"] = "no-such-login"
    mine.write_text(yaml.safe_dump(config))
    done = churn("get", "-n", namespace, KUBECONFIG=str(mine))
    assert done.returncode == ExitCode.USAGE
    assert "logs in with no-such-login, which is not on this machine" in done.stderr


def test_a_reader_that_goes_away_is_no_error(environment: Mapping[str, str], served: ChurnModels) -> None:
    for command in ("status churn", "history churn", "get churn -o json"):
        script = f"churnctl {command} -n {served.namespace} | true; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(
            ["bash", "-c", script], env=dict(environment), capture_output=True, text=True, timeout=60, check=True
        )
        # 141 where it still wrote when the reader was gone.
        assert (done.stdout.strip() in {"0", "141"}, done.stderr) == (True, ""), command


# The terminal


def test_colours_are_for_terminals_and_no_color_is_heeded(
    served: ChurnModels, churn: Run, environment: Mapping[str, str]
) -> None:
    command = ["kubectl", "churn", "status", "churn", "-n", served.namespace]
    assert "\x1b[3" in in_terminal(command, environment)
    assert "\x1b[3" not in in_terminal(command, {**environment, "NO_COLOR": "1"})
    assert "\x1b" not in churn(*command[2:]).stdout
    wrong = ["kubectl", "churn", "status", "none", "-n", served.namespace]
    assert "\x1b[31m" in in_terminal(wrong, environment)
    assert "\x1b" not in in_terminal(wrong, {**environment, "NO_COLOR": "1"})


def test_kubectl_completes_commands_names_and_formats(served: ChurnModels, environment: Mapping[str, str]) -> None:
    def offered(*words: str) -> list[str]:
        command = ["kubectl", "__complete", "churn", *words]
        done = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=60, check=True)
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    assert offered("ro")[:2] == ["rollback", ":4"]
    assert offered("status", "-n", served.namespace, "")[:2] == ["churn", "churn-too"]
    assert offered("get", "-o", "j")[0] == "json"
    assert offered("lint", "-f", "")[-1] == ":0", "the shell offers files"


def test_bash_completes_churnctl(environment: Mapping[str, str], served: ChurnModels) -> None:
    script = (
        "source <(churnctl completion bash); COMP_WORDS=(churnctl rollb); COMP_CWORD=1; "
        '_churnctl_completion churnctl; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", script], env=dict(environment), capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "rollback"
