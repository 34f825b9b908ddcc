"""spec.drift: when live customers no longer look like those the model has learned from."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from churn_operator.api.v1alpha1.common import Duration, SpecPart, between
from churn_operator.api.v1alpha1.rules import rules


class Drift(SpecPart):
    """Thresholds of the population stability index (PSI)."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.clearThreshold <= self.featureThreshold && self.clearThreshold <= self.scoreThreshold",
                "clearThreshold must not be above featureThreshold or scoreThreshold",
            ),
        )
    )

    window: Annotated[Duration, between("1m", "720h")] = Field(
        default="24h", description="How far back live traffic is looked at."
    )
    feature_threshold: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.2, description="PSI of one feature above which it has drifted."
    )
    score_threshold: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.2, description="PSI of the score above which it has drifted."
    )
    clear_threshold: Annotated[float, Field(ge=0, le=10)] = Field(
        default=0.1, description="PSI below which drift is over (hysteresis)."
    )
    min_samples: Annotated[int, Field(ge=1, le=10000000)] = Field(
        default=500, description="Fewer requests than this say nothing."
    )
