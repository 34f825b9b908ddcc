"""The bills of materials against the lock file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from .conftest import REPOSITORY

pytestmark = pytest.mark.cluster

_IMAGES = ("churn-operator", "churn-trainer", "churn-serving", "churn-webapp", "churnctl")


@pytest.fixture(scope="module")
def bills(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Each image's, as `make sbom` writes them."""
    folder = tmp_path_factory.mktemp("sbom")
    own = REPOSITORY / ".tools" / "uv" / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    assert uv is not None, "uv is needed, as `make environment` installs it"
    script = REPOSITORY / "deploy" / "images" / "sbom"
    done = subprocess.run(
        [script, folder], check=False, capture_output=True, text=True, timeout=120, env={**os.environ, "UV": uv}
    )
    assert done.returncode == 0, done.stderr
    written = [Path(line) for line in done.stdout.splitlines()]
    assert [file.name for file in written] == [f"{name}.cdx.json" for name in _IMAGES]
    return {name: json.loads(file.read_text()) for name, file in zip(_IMAGES, written, strict=True)}


def test_every_package_has_the_version_of_the_lock_file(bills: dict[str, dict[str, Any]]) -> None:
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text())
    locked = {(package["name"], package.get("version")) for package in lock["package"]}
    for bill in bills.values():
        assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
        found = {(component["name"], component["version"]) for component in bill["components"]}
        assert found
        assert found <= locked


def test_every_package_has_a_digest_and_an_address(bills: dict[str, dict[str, Any]]) -> None:
    for bill in bills.values():
        for component in bill["components"]:
            assert component["purl"].startswith("pkg:pypi/")
            digests = [each["hashes"][0]["content"] for each in component["externalReferences"]]
            assert digests, component["name"]
            assert all(len(digest) == 64 for digest in digests)


def test_an_image_lists_its_own(bills: dict[str, dict[str, Any]]) -> None:
    names = {image: {each["name"] for each in bill["components"]} for image, bill in bills.items()}
    assert "kopf" in names["churn-operator"]
    assert "scikit-learn" not in names["churn-operator"]
    assert "scikit-learn" in names["churn-trainer"]
    assert "flask" in names["churn-webapp"]
    assert "click" in names["churnctl"]
    assert not any("pytest" in each for each in names.values())
