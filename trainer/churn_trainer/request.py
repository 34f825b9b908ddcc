"""What a run is asked for: the pipeline's parameters as one value."""

from __future__ import annotations

from churn_report import ArtifactLayout
from pydantic import BaseModel, ConfigDict


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

    @property
    def layout(self) -> ArtifactLayout:
        """Where the run's artifacts go."""
        return ArtifactLayout(self.output_uri.rstrip("/"))
