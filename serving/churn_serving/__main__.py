"""`churn-serving`: serve one model folder."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Serve until SIGTERM; see churn_serving.application.serve for the exit codes."""
    # Before scikit-learn is imported: OpenMP threads that outnumber the pod's cores make one row take
    # a hundred times as long. Replicas use the cores.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from churn_serving.application import serve

    return serve(sys.argv[1:], os.environ)


if __name__ == "__main__":
    sys.exit(main())
