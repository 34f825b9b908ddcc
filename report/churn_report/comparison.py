"""Champion against challenger: two models on the same holdout rows."""

from __future__ import annotations

import math

from pydantic import BaseModel, ConfigDict, Field, model_validator

LOWER_IS_BETTER = frozenset({"brier", "expectedCalibrationError", "logLoss"})
"""Metrics whose difference is champion minus candidate, so that a positive difference is always better."""


class MetricComparison(BaseModel):
    """One metric of both models on the same rows, with the bounds of their difference.

    The bounds are percentiles of a paired bootstrap: each replicate draws holdout rows with replacement,
    and scores both models on the drawn rows (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, chapters 13 and 16). Those of expectedCalibrationError are wider, because chance inflates the
    calibration error of a good model more than that of a bad one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = Field(description="Name of the metric, as in the report's metrics.")
    candidate: float = Field(allow_inf_nan=False, description="Value of the candidate.")
    champion: float = Field(allow_inf_nan=False, description="Value of the champion.")
    difference: float = Field(
        allow_inf_nan=False,
        description="By how much the candidate is better: candidate minus champion, or champion minus candidate "
        "for a metric that is better when lower.",
    )
    lower: float = Field(allow_inf_nan=False, description="One-sided lower confidence bound of the difference.")
    upper: float = Field(allow_inf_nan=False, description="One-sided upper confidence bound of the difference.")
    confidence: float = Field(gt=0, lt=1, description="Confidence of each bound on its own.")

    @model_validator(mode="after")
    def _difference_points_to_the_better(self) -> MetricComparison:
        gain = self.candidate - self.champion
        expected = -gain if self.metric in LOWER_IS_BETTER else gain
        if not math.isclose(self.difference, expected, rel_tol=1e-6, abs_tol=1e-9):
            raise ValueError(f"the difference of {self.metric} is {self.difference}, but {expected} follows")
        if self.lower > self.upper:
            raise ValueError(f"the lower bound of {self.metric}, {self.lower}, is above the upper, {self.upper}")
        return self


class Comparison(BaseModel):
    """The candidate of this run against the model in service, or why they could not be compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    champion_sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="sha256 of the champion's model.joblib.")
    rows: int = Field(default=0, ge=0, description="Holdout rows that both models were scored on.")
    resamples: int = Field(default=0, ge=0, description="Bootstrap replicates that each bound rests on.")
    results: tuple[MetricComparison, ...] = ()
    unavailable: str | None = Field(default=None, description="Why there is no comparison, as a sentence.")

    @model_validator(mode="after")
    def _results_or_a_reason(self) -> Comparison:
        if bool(self.results) == (self.unavailable is not None):
            raise ValueError("a comparison carries results, or why there are none")
        if self.results and not self.rows:
            raise ValueError("results rest on at least one row")
        return self

    def of(self, metric: str) -> MetricComparison | None:
        """The comparison of this metric, or None."""
        return next((result for result in self.results if result.metric == metric), None)
