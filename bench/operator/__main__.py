"""`python -m bench.operator --objects 1000,10000`: the first six rows of the design's targets."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, as_json, table
from bench.operator import at_rest, submission, throughput
from bench.operator.api_client import connected
from bench.operator.parts import Parts, parts

ROWS = ("throughput", "rest", "submission")
ACTIVE = 1000
"""How many ChurnModels are there when the time from a change to its run is measured."""


def main() -> None:
    """Measure, print, and exit with 1 when a target is missed."""
    options = _arguments()
    figures = run(
        [int(count) for count in options.objects.split(",")],
        rows=options.rows.split(","),
        window=options.window,
        rounds=options.rounds,
        changes=options.changes,
        work_dir=options.work_dir,
    )
    print(as_json(figures) if options.json else table(figures))
    sys.exit(0 if all(figure.met for figure in figures) else 1)


def run(
    counts: list[int],
    rows: Sequence[str] = ROWS,
    window: float = 120,
    rounds: int = 3,
    changes: int = 200,
    work_dir: Path | None = None,
) -> list[Figure]:
    """All rows for each number of objects, against one set of parts."""
    with tempfile.TemporaryDirectory(prefix="churn-bench-") as folder, parts(work_dir or Path(folder)) as started:
        return asyncio.run(_measure(started, counts, rows, window, rounds, changes))


async def _measure(
    started: Parts, counts: list[int], rows: Sequence[str], window: float, rounds: int, changes: int
) -> list[Figure]:
    figures: list[Figure] = []
    async with connected(started.cluster.kubeconfig) as client:
        if "throughput" in rows:
            for count in counts:
                _say(f"throughput of {count} new objects")
                figures += _told(await throughput.measure(started, client, count, rounds if count <= 1000 else 1))
        for count in sorted(counts):
            names = [f"served-{number:05d}" for number in range(count)]
            if "rest" in rows or "submission" in rows:
                # Those that the last row of a smaller count has changed are made anew.
                _say(f"bringing {count} objects into service")
                await at_rest.bring_into_service(started, client, names)
            if "rest" in rows:
                _say(f"restart, {window:g} s of rest, and a forced look at {count} objects")
                figures += _told(await at_rest.measure(started, client, names, window))
            if "submission" in rows and (count == ACTIVE or len(counts) == 1):
                _say(f"{changes} changes with {count} objects")
                figures += _told(await submission.measure(started, client, names, changes, rate=2))
    return figures


def _told(figures: list[Figure]) -> list[Figure]:
    """Show figures as soon as they are there: a run takes long."""
    print(table(figures), file=sys.stderr, flush=True)
    return figures


def _say(what: str) -> None:
    load = os.getloadavg()[0]
    print(f"{time.strftime('%H:%M:%S')} {what} (load {load:.1f})", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.operator", description=__doc__)
    parser.add_argument("--objects", default="1000,10000", help="numbers of ChurnModels, with commas")
    parser.add_argument("--rows", default=",".join(ROWS), help="which rows, with commas")
    parser.add_argument("--window", type=float, default=120, help="seconds of rest")
    parser.add_argument("--rounds", type=int, default=3, help="of throughput, up to 1000 objects")
    parser.add_argument("--changes", type=int, default=200, help="of specs, for the time to a submitted run")
    parser.add_argument("--work-dir", type=Path, help="keep logs there; a temporary folder by default")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
