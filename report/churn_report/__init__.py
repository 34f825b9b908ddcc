"""What a training run leaves behind: the one vocabulary that trainer, serving and operator share."""

from churn_report.comparison import LOWER_IS_BETTER, Comparison, MetricComparison
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
    "LOWER_IS_BETTER",
    "Artifact",
    "ArtifactLayout",
    "CalibrationBin",
    "Column",
    "ColumnKind",
    "Comparison",
    "ConfusionMatrix",
    "Curve",
    "DataContract",
    "DatasetSummary",
    "Failure",
    "MetricComparison",
    "Outcome",
    "Report",
]
