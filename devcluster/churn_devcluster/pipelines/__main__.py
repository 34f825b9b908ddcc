"""`python -m churn_devcluster.pipelines`: the endpoint as a process of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

import uvicorn

from churn_devcluster.pipelines.app import Settings, create_app
from churn_devcluster.pipelines.secrets import secret_reader
from churn_devcluster.ports import LOOPBACK


def main() -> None:
    """Serves until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="churn_devcluster.pipelines", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--kubeconfig", type=Path, required=True, help="where the Secrets of runs are read")
    parser.add_argument("--data-dir", type=Path, required=True, help="runs, their logs and artifacts")
    parser.add_argument("--namespace", default="kubeflow", help="of experiments that name none")
    parser.add_argument("--concurrent-runs", type=int, default=2, help="others wait as PENDING")
    options = parser.parse_args()
    settings = Settings(
        data_dir=options.data_dir.absolute(),
        namespace=options.namespace,
        concurrent_runs=options.concurrent_runs,
        read_secret=secret_reader(options.kubeconfig),
    )
    uvicorn.run(create_app(settings), host=LOOPBACK, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
