"""A gate from a quick look: what the holdout can show, and what a model has to be better than."""

from __future__ import annotations

import math
from dataclasses import dataclass

from churnctl.errors import InputError
from churnctl.proposal.contract import Contract
from churnctl.proposal.roles import Roles
from churnctl.proposal.table import Table

HOLDOUT_SHARE = 0.2
"""Of all customers, in which a model is measured (churn_trainer.holdout)."""
_BINS = 10
_FEWEST = 10
_LEAST_FLOOR, _GREATEST_FLOOR = 0.55, 0.85
_TOLERATED_CALIBRATION_ERROR = 0.03


@dataclass(frozen=True)
class Gate:
    """Thresholds, and the sentences that say where they come from."""

    roc_auc: float
    calibration_error: float
    too_good: float
    margin: float
    notes: tuple[str, ...]


def gate_of(table: Table, roles: Roles, contract: Contract) -> Gate:
    """The gate for a table of this size and base rate.

    Raises:
        InputError: there are too few customers to learn from or to measure with.
    """
    base = roles.positive_count / table.rows
    rarer = min(roles.positive_count, table.rows - roles.positive_count)
    if rarer * (1 - HOLDOUT_SHARE) < _FEWEST:
        raise InputError(
            f"{table.file} has {rarer} customers of the rarer kind in {table.rows} rows: "
            f"at least {math.ceil(_FEWEST / (1 - HOLDOUT_SHARE))} are needed."
        )
    holdout = table.rows * HOLDOUT_SHARE
    name, best = contract.best or ("no column", 0.5)
    spread = auc_spread(best, holdout * base, holdout * (1 - base))
    floor = min(_GREATEST_FLOOR, max(_LEAST_FLOOR, math.floor(100 * (best - 2 * spread)) / 100))
    noise = 0.25 * math.sqrt(_BINS / holdout)
    ceiling = math.ceil(100 * (_TOLERATED_CALIBRATION_ERROR + 1.5 * noise)) / 100
    notes = (
        f"{table.rows} customers, {base:.1%} of whom left: about {round(holdout)} are held out to measure with",
        f"rocAuc: {name} alone reaches {best:.3f}; a model that is worse, but for chance (± {2 * spread:.3f}), "
        "is not worth serving",
        f"expectedCalibrationError: {noise:.3f} come by chance in a holdout of this size",
    )
    too_good = 0.9 if best < 0.85 else 0.97
    return Gate(floor, ceiling, too_good, max(0.005, round(spread / 2, 3)), notes)


def auc_spread(auc: float, positives: float, negatives: float) -> float:
    """Standard error of an area under the ROC curve (Hanley and McNeil 1982, Radiology 143, 29-36)."""
    first, second = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    square = auc * (1 - auc) + (positives - 1) * (first - auc * auc) + (negatives - 1) * (second - auc * auc)
    return math.sqrt(max(0.0, square) / (positives * negatives))
