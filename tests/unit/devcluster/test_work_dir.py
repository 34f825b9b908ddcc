"""Ports and the lock of a devcluster's folder."""

from __future__ import annotations

import shutil
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from churn_devcluster.errors import DevclusterError
from churn_devcluster.ports import free_ports, require_free
from churn_devcluster.work_dir import Ports, exclusive, settle_ports


def test_free_ports_differ_and_are_free() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        assert require_free(port, "a test") == port


def test_a_taken_port_is_refused_with_its_purpose() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DevclusterError, match=rf"Port {port} .*wanted for a test, is taken"):
            require_free(port, "a test")


def test_a_later_start_has_the_same_ports(tmp_path: Path) -> None:
    first = settle_ports(tmp_path, Ports())
    assert 0 not in (first.apiserver, first.s3, first.pipelines, first.envoy, first.prometheus)
    assert settle_ports(tmp_path, Ports()) == first


def test_a_wanted_port_goes_before_an_earlier_one(tmp_path: Path) -> None:
    first = settle_ports(tmp_path, Ports())
    (other,) = free_ports(1)
    second = settle_ports(tmp_path, Ports(s3=other))
    assert second == replace(first, s3=other)


def test_an_earlier_port_that_is_taken_now_is_refused(tmp_path: Path) -> None:
    ports = settle_ports(tmp_path, Ports())
    with (
        socket.create_server(("127.0.0.1", ports.envoy)),
        pytest.raises(DevclusterError, match=f"Port {ports.envoy} .*Envoy"),
    ):
        settle_ports(tmp_path, Ports())


def test_a_folder_is_for_one_devcluster(tmp_path: Path) -> None:
    with exclusive(tmp_path), pytest.raises(DevclusterError, match="Another devcluster runs in"), exclusive(tmp_path):
        pass
    with exclusive(tmp_path):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DevclusterError, match="file/below cannot be used"), exclusive(tmp_path / "file" / "below"):
        pass


def test_a_full_disk_is_refused_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20 * 1000**2))
    with (
        pytest.raises(DevclusterError, match="has 20 MB left, and a devcluster needs about 300 MB"),
        exclusive(tmp_path),
    ):
        pass
