"""What a training run leaves behind: the one vocabulary that trainer, serving and operator share."""

from churn_report.contract import Column, ColumnKind, DataContract
from churn_report.layout import ArtifactLayout
from churn_report.report import (
    Artifact,
    CalibrationBin,
    ConfusionMatrix,
    Curve,
    DatasetSummary,
    Failure,
    Outcome,
    Report,
)

__all__ = [
    "Artifact",
    "ArtifactLayout",
    "CalibrationBin",
    "Column",
    "ColumnKind",
    "ConfusionMatrix",
    "Curve",
    "DataContract",
    "DatasetSummary",
    "Failure",
    "Outcome",
    "Report",
]
