"""Quantities as the API machinery writes them."""

from fractions import Fraction

import pytest
from churn_operator.core.quantity import canonical
from churn_operator.core.traffic import PredictorSettings
from hypothesis import given
from hypothesis import strategies as st

pytestmark = pytest.mark.unit

_FACTORS = {"n": Fraction(1, 10**9), "u": Fraction(1, 10**6), "m": Fraction(1, 1000), "": Fraction(1)}
_FACTORS |= {suffix: Fraction(1000) ** power for power, suffix in enumerate("kMGTPE", 1)}
_FACTORS |= {f"{suffix}i": Fraction(1024) ** power for power, suffix in enumerate("KMGTPE", 1)}


@pytest.mark.parametrize(
    ("quantity", "form"),
    [
        ("1", "1"),
        ("0", "0"),
        ("0.0", "0"),
        ("0Mi", "0"),
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1.5", "1500m"),
        ("2.0", "2"),
        ("2000", "2k"),
        ("1500M", "1500M"),
        ("1000M", "1G"),
        ("512Mi", "512Mi"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1.5Gi", "1536Mi"),
        ("1000Mi", "1000Mi"),
        ("0.5Ki", "512"),
        ("1.1Ki", "1126400m"),
        ("0.0005", "500u"),
        ("0.0000000001", "1n"),
        ("007", "7"),
        ("many", "many"),
        ("", ""),
    ],
)
def test_the_form_of_a_quantity(quantity: str, form: str) -> None:
    assert canonical(quantity) == form


_QUANTITIES = st.tuples(
    st.decimals(min_value=0, max_value=100_000, places=3), st.sampled_from(["m", "", "k", "M", "G", "Ki", "Mi", "Gi"])
)


def _value(quantity: str) -> Fraction:
    digits = quantity.rstrip("".join(_FACTORS))
    return Fraction(digits) * _FACTORS[quantity[len(digits) :]]


@given(_QUANTITIES)
def test_the_form_keeps_the_value_and_is_its_own_form(drawn: tuple[object, str]) -> None:
    quantity = f"{drawn[0]}{drawn[1]}"
    form = canonical(quantity)
    assert abs(_value(form) - _value(quantity)) < _FACTORS["n"]
    assert canonical(form) == form


def test_settings_that_say_the_same_are_the_same() -> None:
    asked = PredictorSettings(runtime="r", requests=(("cpu", "0.5"), ("memory", "1024Mi")), limits=(("cpu", "1000m"),))
    stored = PredictorSettings(runtime="r", requests=(("cpu", "500m"), ("memory", "1Gi")), limits=(("cpu", "1"),))
    assert asked == stored
