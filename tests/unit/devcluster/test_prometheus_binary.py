"""Where Prometheus and promtool come from, and what is said when it cannot be had."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from churn_devcluster.errors import DevclusterError
from churn_devcluster.prometheus_binary import VERSION, find_prometheus, find_promtool


@pytest.fixture(autouse=True)
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of the program in an empty cache, on a machine without Go and Prometheus."""
    monkeypatch.setenv("CHURN_DEVCLUSTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    return tmp_path / "cache" / "bin" / f"prometheus-{VERSION}" / "prometheus"


def _program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_an_installed_one_comes_first(tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(cached, "prometheus, version 3.16.0")
    installed = _program(tmp_path / "prometheus", "prometheus, version 2.42.0+ds (branch: debian)")
    monkeypatch.setattr(shutil, "which", {"prometheus": str(installed)}.get)
    assert find_prometheus() == installed


def test_another_program_of_that_name_is_left_alone(
    tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(cached, "prometheus, version 3.16.0")
    other = _program(tmp_path / "prometheus", "Prometheus test runner 1.0")
    monkeypatch.setattr(shutil, "which", {"prometheus": str(other)}.get)
    assert find_prometheus() == cached


def test_without_go_a_sentence_says_what_to_install() -> None:
    with pytest.raises(DevclusterError, match=r"Go is not installed.*build Prometheus.*apt install prometheus"):
        find_prometheus()


def test_a_failed_build_names_prometheus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho no such module; exit 1\n")
    go.chmod(0o755)
    monkeypatch.setattr(shutil, "which", {"go": str(go)}.get)
    with pytest.raises(DevclusterError, match=r"Building Prometheus failed(?s:.*)no such module"):
        find_prometheus()


def test_promtool_is_found_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = _program(tmp_path / "cache" / "bin" / f"promtool-{VERSION}" / "promtool", "promtool, version 3.16.0")
    assert find_promtool() == cached
    installed = _program(tmp_path / "promtool", "promtool, version 2.42.0+ds (branch: debian)")
    monkeypatch.setattr(shutil, "which", {"promtool": str(installed)}.get)
    assert find_promtool() == installed


def test_without_go_a_sentence_names_promtool() -> None:
    with pytest.raises(DevclusterError, match=r"Go is not installed.*build promtool.*apt install prometheus"):
        find_promtool()
