"""Where what is made once a machine is kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$CHURN_DEVCLUSTER_CACHE`, else `churn-operator` under `$XDG_CACHE_HOME` or `~/.cache`."""
    own = os.environ.get("CHURN_DEVCLUSTER_CACHE")
    if own:
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "churn-operator"
