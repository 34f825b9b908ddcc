"""The panels of a ChurnModel's page, in their order.

A further panel (explanations of a customer, the model card, drift) is a line here, a template, and what that needs in
`Story`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from churn_webapp.story.story import Story


@dataclass(frozen=True)
class Panel:
    """A part of the page that is refreshed by itself, and shown only where there is something to show."""

    name: str
    title: str
    shown: Callable[[Story], bool]

    @property
    def template(self) -> str:
        """Path of its template."""
        return f"panels/{self.name}.html"


def _always(_: Story) -> bool:
    return True


PANELS = (
    Panel("rollout", "Rollout", _always),
    Panel("analysis", "Live traffic", lambda story: story.analysis is not None),
    Panel("versions", "Versions", lambda story: bool(story.model.status.versions)),
    Panel("gate", "Gate", lambda story: bool(story.gated)),
    Panel("metrics", "Metrics over versions", lambda story: bool(story.series)),
    Panel("plots", "On the holdout", lambda story: story.plots is not None or bool(story.plots_absent)),
    Panel("conditions", "Conditions", lambda story: bool(story.model.status.conditions)),
    Panel("events", "Events", _always),
)
