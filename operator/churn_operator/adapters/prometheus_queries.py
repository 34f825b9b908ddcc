"""The PromQL of the built-in checks, from queries/*.promql, and of users' templates."""

from __future__ import annotations

import math
from datetime import timedelta
from enum import StrEnum
from functools import cache
from importlib.resources import files
from string import Template

from churn_operator.core.live_traffic import TrafficQuestion, TrafficWindow

LOOKBACK = timedelta(minutes=5)
"""How far back from a window's begin a counter's value is looked for: Prometheus' own default for instant queries."""

VARIABLES = (
    "namespace",
    "name",
    "stable",
    "candidate",
    "window",
    "interval",
)
"""What a user's template may name: namespace and name of the ChurnModel, which are the labels `namespace` and `model`
of its metrics; of both versions the number, which is the label `version`; how long ago the candidate first had
traffic, and the interval of the analysis, both as PromQL durations such as 300s. A dollar sign is written `$$`."""


class Counted(StrEnum):
    """The counters of the built-in checks; each value names its file."""

    REQUESTS = "requests"
    ERRORS = "errors"
    LATENCY = "latency"
    SCORES = "scores"
    COPIES = "copies"
    COMPARISONS = "comparisons"
    DISAGREEMENTS = "disagreements"
    COMPARISON_FAILURES = "comparison_failures"

    @property
    def by(self) -> str:
        """The labels that stay."""
        match self:
            case Counted.LATENCY | Counted.SCORES:
                return "version, le"
            case Counted.COMPARISON_FAILURES:
                return "version, reason"
            case _:
                return "version"


ALWAYS = (Counted.REQUESTS, Counted.ERRORS, Counted.LATENCY, Counted.SCORES)
"""What is asked of every window."""

OF_COMPARISONS = (Counted.COPIES, Counted.COMPARISONS, Counted.DISAGREEMENTS, Counted.COMPARISON_FAILURES)
"""What is asked besides of a window in which answers to mirrored requests are compared."""


def increase_of(counted: Counted, question: TrafficQuestion, window: TrafficWindow) -> str:
    """The query for what both versions counted in a window, to be evaluated at the window's end."""
    named = variables(question)
    for selector in ("versions", "compared"):
        named[selector] = Template(_text(selector)).substitute(named)
    length = window.end - window.start
    return Template(_text("increase")).substitute(
        named,
        counter=Template(_text(counted)).substitute(named),
        by=counted.by,
        window=_milliseconds(length),
        reach=_milliseconds(length + LOOKBACK),
        lookback=_milliseconds(LOOKBACK),
        since=f"{(window.start - LOOKBACK).timestamp():.3f}",
    )


def filled(template: str, question: TrafficQuestion) -> str:
    """A user's template with its variables. Raises ValueError saying what it may hold instead."""
    try:
        return Template(template).substitute(variables(question))
    except KeyError as error:
        known = ", ".join(f"${name}" for name in VARIABLES)
        raise ValueError(f"there is no variable ${error.args[0]}: use {known}") from None
    except ValueError as error:
        raise ValueError(f"{error}: write $$ for a dollar sign") from None


def variables(question: TrafficQuestion) -> dict[str, str]:
    """See VARIABLES."""
    values = (
        question.key.namespace,
        question.key.name,
        str(question.stable),
        str(question.candidate),
        _seconds(question.windows[-1].end - question.windows[0].start),
        _seconds(question.interval),
    )
    return dict(zip(VARIABLES, values, strict=True))


@cache
def _text(name: str) -> str:
    """A query of this package without its comments, which would end a line in the midst of another query."""
    lines = (files("churn_operator.adapters") / "queries" / f"{name}.promql").read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("#"))


def _milliseconds(length: timedelta) -> str:
    return f"{max(round(length / timedelta(milliseconds=1)), 1)}ms"


def _seconds(length: timedelta) -> str:
    return f"{max(math.ceil(length.total_seconds()), 1)}s"
