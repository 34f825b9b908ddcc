"""What a retention offer to one customer is expected to earn.

A contact costs f. A churner accepts the offer with probability gamma and then stays, which earns CLV less the
incentive d; one who would have stayed takes the incentive. With p the probability of churn:

    p * (gamma * (CLV - d) - f) - (1 - p) * (d + f)

Source: Verbraken, Verbeke, Baesens (2013), "A Novel Profit Maximizing Metric for Measuring Classification Performance
of Customer Churn Prediction Models", IEEE TKDE 25(5), with its CLV 200, d 10, f 1 and gamma at its expectation
alpha / (alpha + beta) = 6 / 20. The same parameters as the metric EMPC of report.json.
"""

from __future__ import annotations

CUSTOMER_LIFETIME_VALUE = 200.0
INCENTIVE_COST = 10.0
CONTACT_COST = 1.0
ALPHA, BETA = 6.0, 14.0
ACCEPTANCE = ALPHA / (ALPHA + BETA)


def expected_profit(probability: float) -> float:
    """Expected profit, in currency, of the offer to a customer who churns with this probability (0 to 1)."""
    of_churner = ACCEPTANCE * (CUSTOMER_LIFETIME_VALUE - INCENTIVE_COST) - CONTACT_COST
    of_loyal = -(INCENTIVE_COST + CONTACT_COST)
    return probability * of_churner + (1 - probability) * of_loyal


def break_even() -> float:
    """The probability of churn from which on an offer pays."""
    return -expected_profit(0) / (expected_profit(1) - expected_profit(0))
