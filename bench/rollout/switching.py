"""Ten promotions and ten rollbacks by the operator while requests flow through Envoy: does one of them fail?

`python -m bench.rollout.switching` starts a devcluster. Two versions are trained; then version 2 is promoted by
canary (10, 50, 100 percent) and `rollbackTo: 1` takes it back, again and again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_devcluster.churn_models import settled_on
from churn_devcluster.cluster import Devcluster
from churn_devcluster.demo.customers import customers_file, instances
from churn_devcluster.demo.story import BETTER, ROLLOUT_SECONDS, TRAINING_SECONDS, Story, merged, predict_url
from churn_devcluster.demo.telling import Teller
from churn_devcluster.demo.traffic import Tally, Traffic
from churn_devcluster.operator_process import OperatorProcess

from bench.figures import Figure, table

TIMES = 10
REQUESTS = 5000
DRIVERS = ("knative", "gateway")
STEPS = [{"weight": weight, "bake": "2s"} for weight in (10, 50, 100)]


def run(driver: str, times: int = TIMES) -> list[Figure]:
    """The figures with one traffic driver.

    Raises:
        DevclusterError: a promotion or rollback did not come to its end.
    """
    with _story() as story:
        counted = _switch(story, driver, times)
    row = f"{times} promotions and {times} rollbacks, {driver}"
    by_version = ", ".join(f"version {who}: {count}" for who, count in sorted(counted.versions.items()))
    failures = counted.failures[0] if counted.failures else by_version
    return [
        Figure(f"{row}: requests answered", counted.answers, "", "at least", REQUESTS, by_version),
        Figure(f"{row}: requests failed", len(counted.failures), "", "exactly", 0, failures),
    ]


@contextmanager
def _story() -> Iterator[Story]:
    with tempfile.TemporaryDirectory(prefix="churn-switching-") as folder:
        work_dir = Path(folder)
        with Devcluster(work_dir) as cluster, OperatorProcess(cluster):
            yield Story(cluster, Teller(as_json=True), customers_file(None, work_dir))


def _switch(story: Story, driver: str, times: int) -> Tally:
    models, name = story.models, story.name
    manifest = merged(story.manifest, {"serving": {"trafficDriver": driver}, "rollout": {"steps": STEPS}})
    story.prepare()
    models.apply(manifest)
    status = models.wait(name, settled_on(1), "version 1 to serve", TRAINING_SECONDS + ROLLOUT_SECONDS)
    models.apply(merged(manifest, BETTER))
    with Traffic(predict_url(status, name), instances(story.customers)) as traffic:
        for turn in range(times):
            print(f"{driver}: promotion and rollback {turn + 1} of {times}", file=sys.stderr, flush=True)
            models.patch(name, {"rollbackTo": None})
            models.wait(name, settled_on(2), "version 2 to be promoted", TRAINING_SECONDS + ROLLOUT_SECONDS)
            models.patch(name, {"rollbackTo": 1})
            models.wait(name, settled_on(1), "version 1 to serve again", ROLLOUT_SECONDS)
        return traffic.total


def main() -> None:
    """Print the table, and exit with 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="bench.rollout.switching", description=__doc__)
    parser.add_argument("--driver", choices=DRIVERS, action="append", help="may be repeated; all if left out")
    parser.add_argument("--times", type=int, default=TIMES)
    options = parser.parse_args()
    figures = [figure for driver in options.driver or DRIVERS for figure in run(driver, options.times)]
    print(table(figures))
    sys.exit(0 if all(figure.met for figure in figures) else 1)


if __name__ == "__main__":
    main()
