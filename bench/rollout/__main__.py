"""`python -m bench.rollout`: how often simulated rollouts are rolled back, rightly and falsely, and how soon."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from churn_operator.api.v1alpha1.rollout import Analysis, OnInconclusive

from bench.figures import Figure, as_json, table
from bench.rollout.rules import OperatorRule, Rule, ThresholdRule
from bench.rollout.simulation import End, Outcome, Plan, simulate
from bench.rollout.traffic import Behaviour

PROMETHEUS = "http://prometheus:9090"
OURS = Analysis(prometheus=PROMETHEUS)
STRICT = Analysis(prometheus=PROMETHEUS, on_inconclusive=OnInconclusive.PROMOTE)
EAGER = Analysis(prometheus=PROMETHEUS, min_requests=20, failure_limit=1)
QUICK = Plan(interval=20)
SCARCE = Plan(of_both=True)

STABLE = Behaviour()
DOUBLED = Behaviour(0.02)

Target = tuple[Literal["at least", "at most"], float] | None
NINETY: Target = ("at least", 90.0)


def main() -> None:
    """Simulate, print, and exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="bench.rollout", description=__doc__)
    parser.add_argument("--rollouts", type=int, default=200, help="simulated rollouts a row")
    parser.add_argument("--seed", type=int, default=4, help="of the first rollout; the others count up")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = run(options.rollouts, options.seed)
    print(as_json(figures) if options.json else table(figures))
    sys.exit(0 if all(figure.met for figure in figures) else 1)


def run(rollouts: int = 200, seed: int = 4) -> list[Figure]:
    """Every row, each over the same seeds."""
    seeds = range(seed, seed + rollouts)
    return [*_false_rollbacks(seeds), *_caught(seeds), *_delays(seeds)]


RULES: tuple[tuple[str, Callable[[], Rule]], ...] = (
    ("operator", partial(OperatorRule, OURS)),
    ("operator, onInconclusive Promote", partial(OperatorRule, STRICT)),
    ("Flagger, min 99", partial(ThresholdRule, 0.99)),
    ("Flagger, min 98", partial(ThresholdRule, 0.98)),
)
"""The operator as it comes; with no more than the planned requests a step; Flagger as its documents have it, and with
a minimum chosen by one who knows that 1 % of errors is usual."""


def _incident(look: int) -> float:
    """Something both versions depend on is away for three looks of the last step."""
    return 0.1 if 24 <= look < 27 else 0.0


def _false_rollbacks(seeds: range) -> list[Figure]:
    figures = []
    cases = [
        ("equal, 1% errors", Plan(), Behaviour(0.01)),
        ("equal, 0.1% errors", Plan(), Behaviour(0.001)),
        ("equal, 5% errors", Plan(), Behaviour(0.05)),
        ("equal, 1% errors, both fail 11% for a while", Plan(trouble=_incident), Behaviour(0.01)),
    ]
    for case, plan, version in cases:
        for name, rule in RULES:
            outcomes = _outcomes(plan, rule, version, version, seeds)
            figures.append(_share(f"{case}: false rollbacks, {name}", outcomes, _at_most_five(name)))
    outcomes = _outcomes(replace(QUICK, patience=400), partial(OperatorRule, EAGER), STABLE, STABLE, seeds)
    row = "equal, 1% errors, a look every 20, minRequests 20, failureLimit 1: false rollbacks, operator"
    return [*figures, _share(row, outcomes, _at_most_five("operator"))]


def _at_most_five(name: str) -> Target:
    return ("at most", 5.0) if name.startswith("operator") else None


def _caught(seeds: range) -> list[Figure]:
    figures = []
    for name, rule in RULES:
        outcomes = _outcomes(Plan(), rule, STABLE, DOUBLED, seeds)
        target = NINETY if name.startswith("operator") else None
        figures += [
            _share(f"errors 1% to 2%: caught, {name}", outcomes, target),
            *_delay(f"errors 1% to 2%, {name}", Plan(), outcomes),
        ]
    for name, rule in RULES:
        outcomes = _outcomes(SCARCE, rule, STABLE, DOUBLED, seeds)
        figures.append(
            _share(f"errors 1% to 2%, 2,000 requests a step of both together: caught, {name}", outcomes, None)
        )
    return figures


def _delays(seeds: range) -> list[Figure]:
    cases = [
        ("errors 0.1% to 5%", Behaviour(0.001), Behaviour(0.05)),
        ("errors 0.1% to 10%", Behaviour(0.001), Behaviour(0.10)),
        ("5 times slower", STABLE, Behaviour(slowness=5)),
        ("scores shifted by 1 in log-odds", STABLE, Behaviour(score_shift=1.0)),
        ("scores shifted by 2 in log-odds", STABLE, Behaviour(score_shift=2.0)),
    ]
    figures = []
    for case, stable, candidate in cases:
        for name, analysis in (("operator", OURS), ("operator, minRequests 20, failureLimit 1", EAGER)):
            outcomes = _outcomes(QUICK, partial(OperatorRule, analysis), stable, candidate, seeds)
            target = NINETY if analysis is OURS else None
            figures += [
                _share(f"{case}: caught, {name}", outcomes, target),
                *_delay(f"{case}, {name}", QUICK, outcomes),
            ]
    return figures


def _outcomes(
    plan: Plan, rule: Callable[[], Rule], stable: Behaviour, candidate: Behaviour, seeds: range
) -> list[Outcome]:
    return [simulate(plan, rule(), stable, candidate, seed) for seed in seeds]


def _share(row: str, outcomes: Sequence[Outcome], target: Target) -> Figure:
    back = sum(outcome.end is End.ROLLED_BACK for outcome in outcomes)
    held = sum(outcome.end is End.STILL_HELD for outcome in outcomes)
    requests = statistics.fmean(outcome.requests for outcome in outcomes)
    note = f"{back} of {len(outcomes)} rolled back, {held} still held, {requests:.0f} candidate requests on average"
    bound, value = target or ("", None)
    return Figure(row, 100 * back / len(outcomes), "%", bound, value, note)


def _delay(case: str, plan: Plan, outcomes: Sequence[Outcome]) -> list[Figure]:
    """The median of those caught; none if fewer than two were."""
    caught = [outcome.requests for outcome in outcomes if outcome.end is End.ROLLED_BACK]
    if len(caught) < 2:
        return []
    late = statistics.quantiles(caught, n=20)[-1]
    note = f"median; 95% of those caught within {late:.0f}; a look every {plan.interval}"
    return [Figure(f"{case}: candidate requests until rolled back", statistics.median(caught), note=note, unit="")]


if __name__ == "__main__":
    main()
