"""`python -m bench`: every benchmark, one table. `make bench` calls it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import bench.cli.__main__ as cli
import bench.operator.__main__ as operator
import bench.rollout.__main__ as rollout
import bench.rollout.switching as switching
from bench.figures import Figure, as_json, table

_ONE_ROW = Path(__file__).parent / "serving" / "one_row.py"
BENCHMARKS = ("cli", "rollout", "serving", "operator")


def main() -> None:
    """Run what was asked for, the quick ones first, and exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", choices=BENCHMARKS, action="append", help="may be repeated; all if left out")
    parser.add_argument("--objects", default="1000,10000", help="numbers of ChurnModels, with commas")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: list[Figure] = []
    for name in options.only or BENCHMARKS:
        print(f"Measuring: {name}", file=sys.stderr, flush=True)
        match name:
            case "cli":
                figures += cli.run()
            case "rollout":
                figures += rollout.run()
            case "serving":
                figures += serving()
            case "switching":
                figures += [figure for driver in switching.DRIVERS for figure in switching.run(driver)]
            case _:
                figures += operator.run([int(count) for count in options.objects.split(",")])
    print(as_json(figures) if options.json else table(figures))
    sys.exit(0 if all(figure.met for figure in figures) else 1)


def serving() -> list[Figure]:
    """One row a request, in a process of its own. Raises RuntimeError if it does not measure anything."""
    done = subprocess.run([sys.executable, _ONE_ROW, "--json"], stdout=subprocess.PIPE, text=True, check=False)
    measured = [json.loads(line) for line in done.stdout.splitlines()]
    if not measured:
        raise RuntimeError(f"{_ONE_ROW} ended with {done.returncode} and no figures")
    return [figure for one in measured for figure in _of_serving(one)]


def _of_serving(one: dict[str, float | str]) -> list[Figure]:
    row, ratio, p50 = f"serving one row, {one['algorithm']}", float(one["ratio"]), float(one["p50_ms"])
    rates = f"{one['throughput']:.0f}/s against {one['pandas_throughput']:.0f}/s of plain pandas"
    return [
        Figure(row, ratio, "times pandas", "at least", 5, rates),
        Figure(f"{row}: p50", p50, "ms", "below", 2, f"p99 {one['p99_ms']:.2f} ms"),
    ]


if __name__ == "__main__":
    main()
