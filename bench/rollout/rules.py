"""The rules that decide on a rollout: the operator's own functions, and the plain threshold of Flagger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from churn_operator.api.v1alpha1.rollout import Analysis
from churn_operator.api.v1alpha1.status import AnalysisStatus
from churn_operator.core.analysis import Conclusion, Traffic, TrafficSample, conclusion, look_at, remembered

_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """What there is to look at.

    Attributes:
        traffic: all since the candidate first had traffic.
        interval: that since the last look.
        baked: whether the step has had its requests.
    """

    traffic: Traffic
    interval: TrafficSample
    baked: bool


class Rule(Protocol):
    """Decides at every look."""

    def look(self, seen: Seen) -> Conclusion:
        """What follows."""
        ...


@dataclass
class OperatorRule:
    """The functions that the operator calls, in its order, with the status carried from look to look."""

    analysis: Analysis
    status: AnalysisStatus | None = None

    def look(self, seen: Seen) -> Conclusion:
        """Looks at all traffic."""
        self.status = remembered(self.status, look_at(self.analysis, seen.traffic, {}), _NOON)
        return conclusion(self.analysis, self.status, seen.baked)


@dataclass
class ThresholdRule:
    """Flagger's: each interval's success rate of the candidate against a fixed minimum, failures counted.

    Flagger's documents suggest request-success-rate with min: 99 over the interval, and threshold: 5 (docs/gitbook,
    tutorials). A failed check does not advance the rollout, and failures add up over all steps
    (pkg/controller/scheduler.go); its interval without requests counts as neither.
    """

    minimum: float = 0.99
    threshold: int = 5
    failed: int = 0

    def look(self, seen: Seen) -> Conclusion:
        """Looks at the last interval only."""
        candidate = seen.interval.candidate
        good = candidate.requests == 0 or 1 - candidate.errors / candidate.requests >= self.minimum
        self.failed += not good
        if self.failed >= self.threshold:
            return Conclusion.ROLL_BACK
        return Conclusion.PROCEED if seen.baked and good else Conclusion.WAIT
