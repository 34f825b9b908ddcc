"""Where Helm comes from, and what is said when it cannot be had."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from churn_devcluster.errors import DevclusterError
from churn_devcluster.helm_binary import VERSION, find_helm


@pytest.fixture(autouse=True)
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Path of the program in an empty cache, on a machine without Go and Helm."""
    monkeypatch.setenv("CHURN_DEVCLUSTER_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    return tmp_path / "cache" / "bin" / f"helm-{VERSION}" / "helm"


def _program(path: Path, says: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("version", ["v3.22.0+gdeadbee", "v4.3.1"])
def test_an_installed_one_comes_first(
    tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    _program(cached, VERSION)
    installed = _program(tmp_path / "helm", version)
    monkeypatch.setattr(shutil, "which", {"helm": str(installed)}.get)
    assert find_helm() == installed


def test_another_program_of_that_name_and_helm_2_are_left_alone(
    tmp_path: Path, cached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _program(cached, VERSION)
    for says in ("Helm, a synthesizer", "Client: v2.17.0"):
        other = _program(tmp_path / "helm", says)
        monkeypatch.setattr(shutil, "which", {"helm": str(other)}.get)
        assert find_helm() == cached


def test_without_go_a_sentence_says_what_to_install() -> None:
    with pytest.raises(DevclusterError, match=r"Go is not installed.*build Helm.*helm\.sh"):
        find_helm()
