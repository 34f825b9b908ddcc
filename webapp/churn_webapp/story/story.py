"""Everything that the page of one ChurnModel shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from churn_webapp.charts.report_plots import ReportPlots
from churn_webapp.charts.version_metrics import MetricSeries, metric_series
from churn_webapp.story.actions import Offer, offers, rollback_offers
from churn_webapp.story.churn_model import Analysis, ChurnModel, Event, Version


@dataclass(frozen=True)
class Permission:
    """Whether the one who looks may press the buttons; `why_not` is a sentence."""

    granted: bool
    why_not: str = ""


@dataclass(frozen=True)
class Story:
    """A ChurnModel with its events, the plots of its shown versions, and what may be done about it."""

    model: ChurnModel
    events: tuple[Event, ...]
    permission: Permission
    plots: ReportPlots | None
    plots_absent: str
    now: datetime

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The buttons that make sense now."""
        return offers(self.model)

    @property
    def rollbacks(self) -> dict[int, Offer]:
        """The versions that can be gone back to."""
        return rollback_offers(self.model)

    @property
    def versions(self) -> tuple[Version, ...]:
        """The newest first."""
        return tuple(reversed(self.model.status.versions))

    @property
    def gated(self) -> Version | None:
        """The newest version that the gate has judged."""
        return next((version for version in self.versions if version.gate), None)

    @property
    def analysis(self) -> Analysis | None:
        """What live traffic says of the rollout."""
        return self.model.status.rollout.analysis

    @property
    def series(self) -> tuple[MetricSeries, ...]:
        """Metrics over versions."""
        return metric_series(self.model.status.versions)

    @property
    def announcement(self) -> str:
        """What a screen reader says when it changes."""
        traffic = self.model.status.traffic
        return f"{self.model.status.phase}: {self.model.sentence}." + (f" Traffic: {traffic}." if traffic else "")


def shown_versions(model: ChurnModel) -> tuple[Version, ...]:
    """The one or two versions whose plots are compared: candidate and stable, else the newest and stable."""
    newest = model.status.versions[-1] if model.status.versions else None
    wanted = [model.candidate or newest, model.stable]
    found = {version.number: version for version in wanted if version is not None}
    return tuple(found.values())
