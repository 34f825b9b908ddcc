"""`python -m churn_devcluster.dataplane`: KServe's data plane on one machine."""

from __future__ import annotations

import argparse
import asyncio
import logging
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from churn_devcluster.dataplane.child import READY_FILE
from churn_devcluster.dataplane.cluster import Cluster
from churn_devcluster.dataplane.controller import Controller, Settings
from churn_devcluster.dataplane.envoy import Envoy
from churn_devcluster.dataplane.servers import DEFAULT_COMMAND, Pace
from churn_devcluster.errors import DevclusterError


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs until SIGTERM or SIGINT."""
    parsed = argument_parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    settings = Settings(
        work_dir=parsed.work_dir.resolve(),
        envoy_port=parsed.envoy_port,
        server_command=tuple(shlex.split(parsed.server_command)),
        pace=Pace(progress_deadline=parsed.progress_deadline),
        retire_after=parsed.retire_after,
        idle_after=parsed.idle_after,
        canary_list=not parsed.without_canary_list,
    )
    try:
        asyncio.run(_serve(settings, parsed.kubeconfig))
    except DevclusterError as error:
        sys.exit(str(error))


def argument_parser() -> argparse.ArgumentParser:
    """The command line. Times are in seconds."""
    parser = argparse.ArgumentParser(
        prog="python -m churn_devcluster.dataplane",
        description="Serves InferenceServices by local model servers behind one Envoy.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--kubeconfig", type=Path, required=True, help="how to reach the API server")
    add("--work-dir", type=Path, required=True, help="folder for state, models and logs")
    add("--envoy-port", type=int, required=True, help="loopback port of Envoy")
    add("--server-command", default=shlex.join(DEFAULT_COMMAND), help="for runtimes without a command")
    add("--progress-deadline", type=float, default=Pace.progress_deadline, help="time for a server to become ready")
    add("--retire-after", type=float, default=10, help="time until a revision without traffic is stopped")
    add("--idle-after", type=float, default=60, help="time until a model with minReplicas 0 is stopped")
    add("--without-canary-list", action="store_true", help="be an older KServe, which has no spec.canary")
    return parser


async def _serve(settings: Settings, kubeconfig: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    wake = asyncio.Event()
    cluster = Cluster(kubeconfig, wake.set, settings.canary_list)
    envoy = Envoy(settings.work_dir / "envoy", settings.envoy_port)
    controller = Controller(settings, cluster, envoy, wake)
    await cluster.start()
    await controller.activator.start()
    loop = asyncio.create_task(controller.run())
    stopped = asyncio.create_task(stop.wait())
    settled = asyncio.create_task(controller.settled.wait())
    await asyncio.wait([stopped, settled], return_when=asyncio.FIRST_COMPLETED)
    if settled.done():
        (settings.work_dir / READY_FILE).touch()
    await stopped
    loop.cancel()
    cluster.stop()
    # Envoy first: it must not send requests to servers that are about to end.
    await envoy.stop()
    await controller.activator.stop()
    await controller.stop()
    await asyncio.gather(loop, return_exceptions=True)


if __name__ == "__main__":
    main()
