"""`python -m bench.cli`: the start of the command line, beside that of kubectl, in turns in one run."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from churn_devcluster.binaries import find_binaries

from bench.figures import Figure, as_json, table

ROUNDS = 15
TARGET_MS = 300.0
_PROGRAM = Path(sys.executable).parent / "kubectl-churn"


def run(rounds: int = ROUNDS) -> list[Figure]:
    """Milliseconds until the process has ended, the median of the rounds; one round before is not counted."""
    kubectl = find_binaries().kubectl
    commands: dict[str, Sequence[str | Path]] = {
        "--help": (_PROGRAM, "--help"),
        "--version": (_PROGRAM, "--version"),
        "status --help": (_PROGRAM, "status", "--help"),
        "kubectl version --client": (kubectl, "version", "--client"),
        "python -c pass": (sys.executable, "-c", "pass"),
    }
    seen: dict[str, list[float]] = {name: [] for name in commands}
    for place in range(rounds + 1):
        for name, command in commands.items():
            took = _milliseconds(command)
            if place:
                seen[name].append(took)
    medians = {name: statistics.median(values) for name, values in seen.items()}
    beside = medians["kubectl version --client"]
    return [_figure(name, value, beside, min(seen[name])) for name, value in medians.items()]


def _figure(name: str, median: float, beside: float, best: float) -> Figure:
    note = f"median of the rounds, best {best:.0f} ms; {median / beside:.1f} times kubectl version --client"
    if name.startswith(("kubectl ", "python ")):
        return Figure(f"start of {name}", median, "ms", note=note)
    return Figure(f"start of kubectl churn {name}", median, "ms", "below", TARGET_MS, note)


def _milliseconds(command: Sequence[str | Path]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return 1000 * (time.perf_counter() - started)


def main() -> None:
    """Print the figures, and exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="bench.cli", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = run(options.rounds)
    print(as_json(figures) if options.json else table(figures))
    sys.exit(0 if all(figure.met for figure in figures) else 1)


if __name__ == "__main__":
    main()
