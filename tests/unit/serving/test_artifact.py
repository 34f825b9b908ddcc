"""A model file is code: nothing is unpickled that nobody vouches for."""

from __future__ import annotations

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from churn_serving.artifact import (
    ArtifactMissingError,
    ArtifactUnusableError,
    DigestMismatchError,
    load_artifact,
)

from tests.unit.serving.telco import CONTRACT, save_artifact


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def trapped(tmp_path: Path) -> Path:
    """A model folder whose model.joblib creates `sprung` when it is loaded."""
    (tmp_path / "contract.json").write_text(CONTRACT.model_dump_json())
    (tmp_path / "model.joblib").write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    return tmp_path


def test_the_right_digest_loads(tmp_path: Path, pipeline: Any) -> None:
    digest = save_artifact(tmp_path, pipeline)
    artifact = load_artifact(tmp_path, digest.upper())
    assert artifact.sha256 == digest
    assert artifact.contract == CONTRACT
    assert artifact.pipeline.classes_.tolist() == ["No", "Yes"]


def test_a_wrong_digest_is_refused_before_anything_is_unpickled(trapped: Path) -> None:
    with pytest.raises(DigestMismatchError) as refusal:
        load_artifact(trapped, "0" * 64)
    assert not (trapped / "sprung").exists()
    found = hashlib.sha256((trapped / "model.joblib").read_bytes()).hexdigest()
    assert found in str(refusal.value)
    assert "0" * 64 in str(refusal.value)


def test_the_trap_would_have_sprung(trapped: Path) -> None:
    load_artifact(trapped, None)
    assert (trapped / "sprung").exists()


def test_an_invalid_contract_is_refused_before_the_model_is_unpickled(trapped: Path) -> None:
    (trapped / "contract.json").write_text('{"columns": []}')
    with pytest.raises(ArtifactUnusableError, match="no data contract"):
        load_artifact(trapped, None)
    assert not (trapped / "sprung").exists()


def test_a_contract_without_columns_is_refused(trapped: Path) -> None:
    (trapped / "contract.json").write_text(CONTRACT.model_copy(update={"columns": ()}).model_dump_json())
    with pytest.raises(ArtifactUnusableError, match="declares no column"):
        load_artifact(trapped, None)


@pytest.mark.parametrize("name", ["model.joblib", "contract.json"])
def test_a_missing_file_is_named(trapped: Path, name: str) -> None:
    (trapped / name).unlink()
    with pytest.raises(ArtifactMissingError, match=f"{name} cannot be read: No such file"):
        load_artifact(trapped, None)


def test_a_file_that_is_no_pickle_is_unusable(trapped: Path) -> None:
    (trapped / "model.joblib").write_bytes(b"not a pickle")
    with pytest.raises(ArtifactUnusableError, match="does not load"):
        load_artifact(trapped, None)
