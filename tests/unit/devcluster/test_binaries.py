"""Where the control plane's programs come from, and what is said when they cannot be had."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from churn_devcluster import build
from churn_devcluster.binaries import find_binaries
from churn_devcluster.build import KUBERNETES_VERSION, PROGRAMS, explain_failure, staging_modules
from churn_devcluster.errors import DevclusterError

Which = Callable[..., str | None]


def _programs(folder: Path, names: list[str] | None = None) -> Path:
    folder.mkdir(parents=True)
    for name in names or list(PROGRAMS):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a machine without Go and setup-envtest."""
    monkeypatch.setenv("CHURN_DEVCLUSTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    return tmp_path / "cache" / "bin" / KUBERNETES_VERSION


def test_kubebuilder_assets_come_first(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _programs(cache)
    assets = _programs(tmp_path / "assets")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert find_binaries().kube_apiserver == assets / "kube-apiserver"


def test_incomplete_kubebuilder_assets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(_programs(tmp_path / "assets", ["etcd"])))
    with pytest.raises(DevclusterError, match="lacks kube-apiserver, kubectl: point it"):
        find_binaries()


def test_then_comes_the_cache(cache: Path) -> None:
    _programs(cache)
    assert find_binaries().folder == cache


def test_then_comes_setup_envtest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = _programs(tmp_path / "envtest")
    program = tmp_path / "setup-envtest"
    program.write_text(f"#!/bin/sh\nprintf {installed}\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", {"setup-envtest": str(program)}.get)
    assert find_binaries().folder == installed


def test_without_go_a_sentence_says_what_to_install() -> None:
    with pytest.raises(DevclusterError, match=r"Go is not installed.*https://go.dev/dl.*KUBEBUILDER_ASSETS"):
        find_binaries()


def test_a_full_disk_is_noticed_before_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", {"go": "/bin/false"}.get)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_200_000_000))
    with pytest.raises(DevclusterError, match=r"has 1\.2 GB left .* needs about 3 GB: free some"):
        find_binaries()


def test_a_failed_build_shows_the_end_of_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho no such module; exit 1\n")
    go.chmod(0o755)
    monkeypatch.setattr(shutil, "which", {"go": str(go)}.get)
    with pytest.raises(DevclusterError, match=r"Building the control plane failed(?s:.*)no such module"):
        find_binaries()


def test_the_build_stops_at_the_programs_that_are_there(cache: Path) -> None:
    _programs(cache)
    build.build_programs(cache)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("write /root/x: no space left on device", "The disk is full"),
        ("Get https://proxy.golang.org/x: dial tcp: lookup proxy.golang.org: no such host", "cannot be reached"),
        ("x.go:1: undefined: y", "Building the control plane failed"),
    ],
)
def test_what_go_says_becomes_a_sentence(output: str, sentence: str) -> None:
    assert sentence in explain_failure(output, Path("build.log"))


def test_staging_modules_are_those_required_at_no_version() -> None:
    required = [("k8s.io/api", "v0.0.0"), ("k8s.io/klog/v2", "v2.140.0"), ("go.etcd.io/etcd", "v0.0.0")]
    module = {"Require": [{"Path": path, "Version": version} for path, version in [*required, required[0]]]}
    assert staging_modules(module) == ["k8s.io/api"]
