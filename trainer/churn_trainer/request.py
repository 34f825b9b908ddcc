"""What a run is asked for: the pipeline's parameters as one value."""

from __future__ import annotations

import re

from churn_report import ArtifactLayout
from pydantic import BaseModel, ConfigDict

from churn_trainer.rejection import SpecRejected

DEFAULT_CONFIDENCE = 0.95
"""Confidence of each one-sided bound when the request names none."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


class RunRequest(BaseModel):
    """The parameters of one run, as the operator sends them; it holds no credentials."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset_uri: str
    output_uri: str
    dataset_digest: str = ""
    dataset_format: str = "auto"
    s3_endpoint: str = ""
    key: str = ""
    target: str = "Churn"
    id_column: str = "customerID"
    positive_label: str = "Yes"
    columns: str = ""
    algorithm: str = "auto"
    hyperparameters: str = "{}"
    seed: int = 7
    champion_uri: str = ""
    champion_sha256: str = ""
    champion_version: str = ""
    champion_confidence: str = ""

    @property
    def layout(self) -> ArtifactLayout:
        """Where the run's artifacts go."""
        return ArtifactLayout(self.output_uri.rstrip("/"))

    @property
    def confidence(self) -> float:
        """Confidence of each bound of the comparison with the champion; NaN when what was wished is no number."""
        try:
            return float(self.champion_confidence or DEFAULT_CONFIDENCE)
        except ValueError:
            return float("nan")


def check_champion(request: RunRequest) -> None:
    """Raises SpecRejected (InvalidChampion) for a digest or a confidence that can be none."""
    if not request.champion_uri:
        return
    if not _SHA256.fullmatch(request.champion_sha256):
        raise SpecRejected(
            "InvalidChampion",
            f"champion_sha256 must be the 64 hex digits of the champion's model.joblib, not "
            f"{request.champion_sha256!r}: an unverified model is never loaded.",
        )
    if not 0.5 <= request.confidence < 1:
        raise SpecRejected(
            "InvalidChampion",
            f"champion_confidence must be a number from 0.5 up to below 1, not {request.champion_confidence!r}.",
        )
