"""Every metric of the report on many resamples of the same rows at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from churn_trainer.metrics import CALIBRATION_BINS, DECISION_THRESHOLD, top_count
from churn_trainer.profit import hull_of_counts, profit_of_hull

# Counts of a chunk of resamples: under two megabytes, which fit a cache.
_CHUNK_CELLS = 200_000


def draw_counts(rows: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each row is drawn by each resample, in chunks of shape (r, rows) that add up to `resamples`.

    A resample draws `rows` rows with replacement; the same seed draws the same.
    """
    random = np.random.default_rng(seed)
    most = max(1, _CHUNK_CELLS // rows)
    for start in range(0, resamples, most):
        size = min(most, resamples - start)
        drawn = random.integers(rows, size=(size, rows)) + rows * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * rows).reshape(size, rows).astype(np.float64)


@dataclass(frozen=True)
class Ranking:
    """One model's scores, sorted once for all resamples; both arrays have shape (n,), scores in [0, 1]."""

    positive: NDArray[np.bool_]
    scores: NDArray[np.float64]

    def metrics(self, counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """What `all_metrics` finds in resamples: each value has shape (r,).

        `counts` (r, n) says how often each resample holds each row; every line of it sums to n, and covers
        both classes.
        """
        return {**self._means(counts), **self._decisions(counts), **self._by_rank(counts)}

    def _means(self, counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        smallest = np.finfo(np.float64).eps
        likelihood = np.clip(np.where(self.positive, self.scores, 1 - self.scores), smallest, 1 - smallest)
        losses = {"brier": (self.scores - self.positive) ** 2, "logLoss": -np.log(likelihood)}
        return {name: counts @ loss / len(self.scores) for name, loss in losses.items()}

    def _decisions(self, counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        decided = self.scores > DECISION_THRESHOLD
        positives = counts @ self.positive
        flagged = counts @ decided
        hits = counts @ (decided & self.positive)
        return {
            "accuracy": (len(decided) - positives - flagged + 2 * hits) / len(decided),
            "precision": _share(hits, flagged),
            "recall": _share(hits, positives),
            "f1": _share(2 * hits, positives + flagged),
        }

    def _by_rank(self, counts: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        order = np.argsort(-self.scores, kind="stable")
        ranked = counts[:, order]
        targeted, found = _running(ranked), _running(ranked * self.positive[order])
        positives = found[:, -1]
        # Ties count as one step: only where the score changes is there a point of the curve.
        steps = np.concatenate([[0], np.flatnonzero(np.diff(self.scores[order])) + 1, [len(order)]])
        hits, alarms = found[:, steps], (targeted - found)[:, steps]
        new_hits, new_alarms = np.diff(hits), np.diff(alarms)
        area = np.sum(new_alarms * (hits[:, 1:] + hits[:, :-1]), axis=1) / 2
        precision = _share(hits[:, 1:], targeted[:, steps[1:]])
        top = top_count(len(order))
        top_hits = np.array([np.interp(top, *both) for both in zip(targeted, found, strict=True)])
        return {
            "rocAuc": area / (positives * alarms[:, -1]),
            "averagePrecision": np.sum(new_hits * precision, axis=1) / positives,
            "liftTopDecile": top_hits / top / (positives / len(order)),
            "expectedCalibrationError": self._calibration_errors(counts),
            "empc": np.array(
                [
                    profit_of_hull(*hull_of_counts(*both), float(both[0].sum()) / len(order))
                    for both in zip(new_hits, new_alarms, strict=True)
                ]
            ),
        }

    def _calibration_errors(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Between the edges of a bin, the sum of predicted minus observed is a difference of running sums."""
        order = np.argsort(self.scores, kind="stable")
        ranked = counts[:, order]
        seen, excess = _running(ranked), _running(ranked * (self.scores - self.positive)[order])
        sizes = [len(part) for part in np.array_split(order, min(CALIBRATION_BINS, len(order)))]
        edges = np.concatenate([[0], np.cumsum(sizes)])
        at_edges = np.array([np.interp(edges, *both) for both in zip(seen, excess, strict=True)])
        distance: NDArray[np.float64] = np.abs(np.diff(at_edges)).sum(axis=1)
        return distance / len(order)


def _running(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running sums of each line from 0 on: shape (r, n) becomes (r, n + 1)."""
    sums = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """part / whole, and 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
