"""A rollout from its first step to promotion, rollback, or the end of patience."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from churn_operator.core.analysis import Conclusion

from bench.rollout.rules import Rule, Seen
from bench.rollout.traffic import Behaviour, Live


class End(Enum):
    """What became of the candidate."""

    PROMOTED = auto()
    ROLLED_BACK = auto()
    STILL_HELD = auto()


@dataclass(frozen=True)
class Plan:
    """How a rollout is looked at.

    Attributes:
        weights: percent of traffic by step.
        requests: the candidate's requests a step, on average; a step that is held gets more.
        interval: the candidate's requests from look to look, on average.
        of_both: whether `requests` and `interval` are those of both versions together.
        patience: looks after which a rollout that is still held is given up.
        trouble: added to both versions' error ratio in a look, by the look's number from 0.
    """

    weights: tuple[int, ...] = (10, 25, 50)
    requests: int = 2000
    interval: int = 200
    of_both: bool = False
    patience: int = 200
    trouble: Callable[[int], float] = lambda _look: 0.0


@dataclass(frozen=True)
class Outcome:
    """How a rollout ended, and after how many requests of the candidate."""

    end: End
    requests: float


def simulate(plan: Plan, rule: Rule, stable: Behaviour, candidate: Behaviour, seed: int) -> Outcome:
    """One rollout; the same seed gives the same traffic to every rule for as long as both go on."""
    live = Live(stable, candidate, np.random.default_rng(seed))
    step, looks_of_step = 0, 0
    live.shift()
    for look in range(plan.patience):
        weight = plan.weights[step]
        requests = plan.interval if plan.of_both else round(plan.interval * 100 / weight)
        interval = live.pass_requests(requests, weight, plan.trouble(look))
        looks_of_step += 1
        baked = looks_of_step * plan.interval >= plan.requests
        match rule.look(Seen(tuple(live.windows), interval, baked)):
            case Conclusion.ROLL_BACK:
                return Outcome(End.ROLLED_BACK, _seen(live))
            case Conclusion.WAIT:
                continue
            case Conclusion.PROCEED if step + 1 == len(plan.weights):
                return Outcome(End.PROMOTED, _seen(live))
            case Conclusion.PROCEED:
                step, looks_of_step = step + 1, 0
                live.shift()
    return Outcome(End.STILL_HELD, _seen(live))


def _seen(live: Live) -> float:
    return sum(window.candidate.requests for window in live.windows)
