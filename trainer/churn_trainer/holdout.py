"""The frozen holdout: who is in it depends on the customer id alone, never on the other rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

HOLDOUT_SHARE = 0.2
"""Share of all customers that the model never learns from."""

# Salted, so that membership is independent of anything else that hashes the id.
_SALT = b"churn-holdout-1:"


def hash_ids(ids: Iterable[str]) -> NDArray[np.uint64]:
    """The first 64 bits of the salted sha256 of each customer id, shape (n,)."""
    return np.fromiter(
        (int.from_bytes(hashlib.sha256(_SALT + name.encode()).digest()[:8]) for name in ids), dtype=np.uint64
    )


def is_holdout(hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which customers are in the holdout, shape (n,), from their hashes.

    A customer stays where it is for ever, whatever rows are added or removed.
    """
    return hashes < np.uint64(int(HOLDOUT_SHARE * 2**64))


def holdout_sha256(ids: Iterable[str]) -> str:
    """sha256 (hex) over the sorted ids, one a line: the same value means the same holdout."""
    digest = hashlib.sha256()
    for name in sorted(ids):
        digest.update(f"{name}\n".encode())
    return digest.hexdigest()
