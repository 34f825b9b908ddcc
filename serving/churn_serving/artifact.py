"""The model folder: model.joblib is trusted only by its digest, because loading it runs code."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
from churn_report import DataContract
from pydantic import ValidationError

MODEL_FILE = "model.joblib"
CONTRACT_FILE = "contract.json"


class ArtifactError(Exception):
    """The folder cannot be served.

    Attributes:
        exit_code: the process's exit code, of sysexits.h.
    """

    exit_code = os.EX_DATAERR


class ArtifactMissingError(ArtifactError):
    """A file of the folder is missing or cannot be read."""

    exit_code = os.EX_NOINPUT


class DigestMismatchError(ArtifactError):
    """model.joblib is not the file that the trainer reported."""


class ArtifactUnusableError(ArtifactError):
    """The files are the right ones, and yet no model that serves its contract."""


@dataclass(frozen=True)
class ModelArtifact:
    """A loaded model.

    Attributes:
        pipeline: fitted scikit-learn Pipeline that takes rows in contract order.
        contract: what a row is.
        sha256: hex digest of the bytes that were loaded.
    """

    pipeline: Any
    contract: DataContract
    sha256: str


def load_artifact(folder: Path, expected_sha256: str | None) -> ModelArtifact:
    """Read, verify, and only then unpickle.

    The bytes that are hashed are the bytes that are loaded, so a file that changes in between does no harm.

    Args:
        folder: holds model.joblib and contract.json.
        expected_sha256: hex digest; None loads an unverified file, which is for trusted folders only.

    Raises:
        ArtifactMissingError: a file cannot be read.
        DigestMismatchError: the digest differs; nothing was unpickled.
        ArtifactUnusableError: the contract is invalid or the model does not load.
    """
    contract = _read_contract(folder / CONTRACT_FILE)
    content = _read(folder / MODEL_FILE)
    digest = hashlib.sha256(content).hexdigest()
    if expected_sha256 is not None and digest != expected_sha256.lower():
        raise DigestMismatchError(
            f"{folder / MODEL_FILE} has sha256 {digest}, and {expected_sha256} is expected; it was not loaded."
        )
    try:
        pipeline = joblib.load(io.BytesIO(content))
    except Exception as error:
        raise ArtifactUnusableError(f"{folder / MODEL_FILE} does not load: {error}") from error
    return ModelArtifact(pipeline, contract, digest)


def _read_contract(path: Path) -> DataContract:
    try:
        contract = DataContract.model_validate_json(_read(path))
    except ValidationError as error:
        raise ArtifactUnusableError(f"{path} is no data contract: {error}") from error
    if not contract.columns:
        raise ArtifactUnusableError(f"{path} declares no column.")
    return contract


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ArtifactMissingError(f"{path} cannot be read: {error.strerror}.") from error
