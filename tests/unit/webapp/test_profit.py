"""The expected profit of an offer is the one that EMPC is made of."""

from __future__ import annotations

import pytest
from churn_trainer import profit as trainer
from churn_webapp.prediction import profit


def test_the_parameters_are_those_of_the_metric() -> None:
    assert profit.CUSTOMER_LIFETIME_VALUE == trainer.CUSTOMER_LIFETIME_VALUE
    assert profit.INCENTIVE_COST == trainer.INCENTIVE_COST
    assert profit.CONTACT_COST == trainer.CONTACT_COST
    assert (profit.ALPHA, profit.BETA) == (trainer.ALPHA, trainer.BETA)


def test_who_never_churns_takes_the_incentive() -> None:
    assert profit.expected_profit(0) == -11


def test_a_certain_churner_accepts_three_times_in_ten() -> None:
    assert profit.expected_profit(1) == pytest.approx(0.3 * 190 - 1)


def test_an_offer_pays_from_the_break_even_on() -> None:
    threshold = profit.break_even()
    assert threshold == pytest.approx(11 / 67)
    assert profit.expected_profit(threshold) == pytest.approx(0, abs=1e-12)
    assert profit.expected_profit(threshold + 0.01) > 0
