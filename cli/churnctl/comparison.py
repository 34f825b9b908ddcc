"""What differs between two versions: parameters, data and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from churn_report import LOWER_IS_BETTER, Report

from churnctl.view import Version

_SHORT = 12


@dataclass(frozen=True)
class Line:
    """One value of both versions; None where a version does not have it.

    Attributes:
        section: parameters, dataset, libraries or metrics.
        verdict: for a metric, better, worse or same; else empty.
    """

    section: str
    name: str
    old: Any
    new: Any
    verdict: str = ""

    @property
    def differs(self) -> bool:
        """Whether the two are not the same."""
        return bool(self.old != self.new)


def compare(old: Version, new: Version, reports: tuple[Report, Report] | None) -> list[Line]:
    """Every value, in the order of the sections; `reports` add what status does not hold."""
    mine, others = (reports[0], reports[1]) if reports is not None else (None, None)
    return [
        *_section("parameters", _parameters(old, mine), _parameters(new, others)),
        *_section("dataset", _dataset(old, mine), _dataset(new, others)),
        *_section("libraries", _libraries(mine), _libraries(others)),
        *_metrics(old, new, mine, others),
    ]


def _parameters(version: Version, report: Report | None) -> dict[str, Any]:
    known = {"algorithm": version.algorithm, "image": version.image, "training key": version.key[:_SHORT]}
    if version.pipeline:
        known["pipeline package"] = version.pipeline[:_SHORT]
    if report is None:
        return known
    hyperparameters = {f"hyperparameters.{name}": value for name, value in sorted(report.hyperparameters.items())}
    return {**known, "seed": report.seed, "training code": report.code_version, **hyperparameters}


def _dataset(version: Version, report: Report | None) -> dict[str, Any]:
    known: dict[str, Any] = {"digest": version.dataset_digest[:_SHORT]}
    if report is None or report.dataset is None:
        return known
    data = report.dataset
    return {
        "uri": data.uri,
        **known,
        "rows": data.rows,
        "share of churn": round(data.positive_share, 4),
        "holdout": data.holdout_sha256[:_SHORT],
        "holdout rows": data.holdout_rows,
    }


def _libraries(report: Report | None) -> dict[str, Any]:
    return {} if report is None else dict(sorted(report.libraries.items()))


def _section(section: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Line]:
    return [Line(section, name, old.get(name), new.get(name)) for name in dict.fromkeys([*old, *new])]


def _metrics(old: Version, new: Version, mine: Report | None, others: Report | None) -> list[Line]:
    before = old.metrics if mine is None else {**mine.metrics, **old.metrics}
    after = new.metrics if others is None else {**others.metrics, **new.metrics}
    names = sorted({*before, *after})
    return [
        Line("metrics", name, before.get(name), after.get(name), _verdict(name, before.get(name), after.get(name)))
        for name in names
    ]


def _verdict(name: str, old: float | None, new: float | None) -> str:
    if old is None or new is None:
        return ""
    if old == new:
        return "same"
    worse_when_higher = name in LOWER_IS_BETTER or "Error" in name
    return "better" if (new > old) != worse_when_higher else "worse"
