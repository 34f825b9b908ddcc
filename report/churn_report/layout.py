"""Where a run's artifacts live, relative to its output URI."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ArtifactLayout:
    """Paths below one run's output URI `<root>/<namespace>/<name>/<key>/<attempt>`.

    The model has a folder of its own because a model server downloads everything under the
    prefix it is given, and the stock scikit-learn server accepts exactly one .joblib there.
    """

    output_uri: str

    @property
    def model_uri(self) -> str:
        """The folder an InferenceService's storageUri points to."""
        return f"{self.output_uri}/model"

    @property
    def model(self) -> str:
        """The fitted scikit-learn Pipeline."""
        return f"{self.model_uri}/model.joblib"

    @property
    def contract(self) -> str:
        """The data contract, beside the model so that the model server has it too."""
        return f"{self.model_uri}/contract.json"

    @property
    def report(self) -> str:
        """The report; written last, so a run without it has not finished."""
        return f"{self.output_uri}/report.json"

    @property
    def holdout(self) -> str:
        """The frozen holdout's ids, targets and scores."""
        return f"{self.output_uri}/holdout/holdout.parquet"

    def plot(self, name: str) -> str:
        """A plot as an SVG file: roc, calibration or confusion."""
        return f"{self.output_uri}/plots/{name}.svg"
