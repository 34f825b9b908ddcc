"""Kubernetes quantities in the one form that the API machinery itself writes: 1000m is 1, 0.5Gi is 512Mi."""

from __future__ import annotations

import re
from fractions import Fraction

_FORM = re.compile(r"([0-9]+(?:\.[0-9]+)?)(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_NANO_STEPS = 3


def canonical(quantity: str) -> str:
    """The canonical form, by the rules of k8s.io/apimachinery/pkg/api/resource: no fraction, and the largest
    suffix of the quantity's own family (binary or decimal) that allows that; below 1024, and for a fraction
    of a byte, the decimal family. What is not a quantity is answered as it came.

    >>> canonical("1000m"), canonical("0.5Gi"), canonical("1024Mi"), canonical("1500M")
    ('1', '512Mi', '1Gi', '1500M')
    """
    found = _FORM.fullmatch(quantity)
    if found is None:
        return quantity
    number, suffix = Fraction(found[1]), found[2] or ""
    if suffix in _BINARY[1:]:
        value = number * 1024 ** _BINARY.index(suffix)
        if value >= 1024 and value.denominator == 1:
            return _written(value, 1024, _BINARY)
        return _decimal(value)
    return _decimal(number * Fraction(1000) ** (_DECIMAL.index(suffix) - _NANO_STEPS))


def _decimal(value: Fraction) -> str:
    nanos = -(-value * 1000**_NANO_STEPS // 1)
    return _written(Fraction(nanos), 1000, _DECIMAL) if nanos else "0"


def _written(value: Fraction, base: int, suffixes: tuple[str, ...]) -> str:
    amount, step = int(value), 0
    while step + 1 < len(suffixes) and amount % base == 0:
        amount, step = amount // base, step + 1
    return f"{amount}{suffixes[step]}"
