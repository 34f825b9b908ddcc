"""`churn-operator`: runs the operator until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from dataclasses import fields

import structlog

from churn_operator import handlers
from churn_operator.logs import configure_logs
from churn_operator.reconcile.health import serving_health
from churn_operator.settings import Settings
from churn_operator.wiring import build

_ALLOCATIONS_UNTIL_COLLECTION = 20_000


async def _run(settings: Settings) -> None:
    operator = await build(settings)
    ports = (settings.metrics_port, settings.health_port)
    async with serving_health(operator.health, operator.metrics.text, settings.bind_address, *ports):
        await handlers.run(operator, asyncio.Event(), settings.watched)


def command_line() -> argparse.ArgumentParser:
    """No options: what there is to set is in the environment, as --help lists it."""
    settings = (f"  CHURN_{setting.name.upper()}={setting.default}" for setting in fields(Settings))
    return argparse.ArgumentParser(
        prog="churn-operator",
        description="Owns the life of every ChurnModel in a cluster, until it is told to stop.",
        epilog="\n".join(("settings of the environment, with their defaults:", *settings)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def main() -> None:
    """Read the settings, run, and say in one sentence what is wrong if that cannot begin."""
    command_line().parse_args()
    try:
        settings = Settings.from_environment(os.environ)
        configure_logs(settings.log_format, settings.log_level)
    except ValueError as error:
        sys.exit(f"churn-operator: {error}")
    structlog.get_logger().info("starting", namespaces=settings.namespaces or "all", driver=settings.traffic_driver)
    # Thousands of ChurnModels live as long as the operator does, and garbage collections of the usual frequency walk
    # through them over and over: a quarter of its CPU time with a thousand new ones. What is imported stays.
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS_UNTIL_COLLECTION, *gc.get_threshold()[1:])
    try:
        asyncio.run(_run(settings))
    except OSError as error:
        sys.exit(f"churn-operator: {error}")


if __name__ == "__main__":
    main()
