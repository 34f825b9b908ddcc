"""Kubeconfigs are found and merged as kubectl does it."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from churnctl.cluster.connection import connect
from churnctl.cluster.credentials import in_files, with_credentials
from churnctl.cluster.kubeconfig import current_context, merged, read_kubeconfig
from churnctl.errors import InputError, NotFoundError
from churnctl.options import Place

pytestmark = pytest.mark.unit


def config(cluster: str, server: str, **more: Any) -> dict[str, Any]:
    return {
        "clusters": [{"name": cluster, "cluster": {"server": server}}],
        "contexts": [{"name": f"{cluster}-context", "context": {"cluster": cluster, "user": "me"}}],
        "users": [{"name": "me", "user": {"token": server}}],
        **more,
    }


def test_the_first_file_wins_and_others_add() -> None:
    both = merged([config("a", "https://one"), config("b", "https://two", **{"current-context": "b-context"})])
    assert [entry["name"] for entry in both["clusters"]] == ["a", "b"]
    assert both["users"] == [{"name": "me", "user": {"token": "https://one"}}]
    assert both["current-context"] == "b-context"


def test_several_files_in_the_environment_and_paths_beside_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = tmp_path / "one" / "config", tmp_path / "two" / "config"
    for file, name in ((one, "a"), (two, "b")):
        file.parent.mkdir()
        content = config(name, "https://x")
        content["clusters"][0]["cluster"]["certificate-authority"] = "ca.crt"
        file.write_text(yaml.safe_dump(content))
    monkeypatch.setenv("KUBECONFIG", f"{one}:{tmp_path / 'absent'}:{two}")
    read = read_kubeconfig(Place())
    assert read is not None
    assert [entry["cluster"]["certificate-authority"] for entry in read["clusters"]] == [
        str(one.parent / "ca.crt"),
        str(two.parent / "ca.crt"),
    ]


def test_no_file_is_no_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "absent"))
    assert read_kubeconfig(Place()) is None
    with pytest.raises(InputError, match="correct --kubeconfig"):
        read_kubeconfig(Place(kubeconfig=tmp_path / "absent"))


@pytest.mark.parametrize("text", ["a: [", "- list"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(InputError, match="kubeconfig"):
        read_kubeconfig(Place(kubeconfig=tmp_path / "config"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clusters: 5", "clusters is no list"),
        ("clusters: [5]", r"clusters\[0\] has no name"),
        ("users: [{user: {}}]", r"users\[0\] has no name"),
        ("contexts: [{name: a, context: b}]", r"contexts\[0\] has no name, or its context is no map"),
    ],
)
def test_a_kubeconfig_of_another_shape_says_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(InputError, match=said):
        read_kubeconfig(Place(kubeconfig=tmp_path / "config"))


@pytest.mark.parametrize(
    ("user", "cluster", "said"),
    [
        ({"client-key-data": "no base64!"}, {}, "client-key-data of the kubeconfig is no base64"),
        ({"client-key-data": 5}, {}, "client-key-data of the kubeconfig is no base64"),
        ({"exec": {"apiVersion": "v1"}}, {}, "names no command"),
        ({"exec": "login"}, {}, "names no command"),
        ({}, {"server": ""}, 'The cluster "c" of the kubeconfig has no server'),
        ({}, {"server": 5}, 'The server "5" of the kubeconfig is no address'),
        ({}, {"server": "10.0.0.1:6443"}, 'The server "10.0.0.1:6443" of the kubeconfig is no address'),
        ({}, {"certificate-authority": "gone.crt"}, "gone.crt as certificate-authority, and there is no such file"),
        (
            {"client-certificate": "gone.crt", "client-key": "gone.key"},
            {},
            "gone.crt as client-certificate, and there is no such file",
        ),
        ({}, {"certificate-authority-data": "%"}, "certificate-authority-data of the kubeconfig is no base64"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere(
    tmp_path: Path, user: dict[str, Any], cluster: dict[str, Any], said: str
) -> None:
    content = {
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1", **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    (tmp_path / "config").write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=said):
        connect(Place(kubeconfig=tmp_path / "config"))


def test_a_token_that_cannot_be_sent_is_told_without_it(tmp_path: Path) -> None:
    content = config("c", "http://127.0.0.1:1", **{"current-context": "c-context"})
    content["users"][0]["user"] = {"token": "secret\ntoken"}
    content["contexts"][0]["context"]["namespace"] = 2026
    (tmp_path / "config").write_text(yaml.safe_dump(content))
    connection = connect(Place(kubeconfig=tmp_path / "config"))
    assert connection.namespace == "2026"
    with pytest.raises(InputError, match="has a line break") as refused:
        connection.send("GET", "churnmodels")
    assert "secret" not in str(refused.value)


def test_the_context() -> None:
    both = merged([config("a", "https://one"), config("b", "https://two")])
    assert current_context(both, Place(context="b-context")) == "b-context"
    with pytest.raises(NotFoundError, match="no current context"):
        current_context(both, Place())
    with pytest.raises(NotFoundError, match="there is: a-context, b-context"):
        current_context(both, Place(context="c"))


def test_keys_go_into_files_that_nobody_else_reads() -> None:
    ready = in_files({"client-key-data": base64.b64encode(b"secret").decode(), "token": "t"})
    file = Path(ready["client-key"])
    assert file.read_bytes() == b"secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "client-key-data" not in ready


def test_a_token_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    assert with_credentials({"tokenFile": str(tmp_path / "token"), "token": "old"}, {})["token"] == "abc"
    with pytest.raises(InputError, match="cannot be read"):
        with_credentials({"tokenFile": str(tmp_path / "absent")}, {})


def test_options_behind_the_subcommand_win() -> None:
    assert Place(namespace="b").within(Place(namespace="a", context="c")) == Place(namespace="b", context="c")
