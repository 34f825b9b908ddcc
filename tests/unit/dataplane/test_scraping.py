"""What Prometheus is told to scrape."""

from __future__ import annotations

import json
from pathlib import Path

from churn_devcluster.dataplane.model import DeploymentMode, Phase, Pod, Revision, Service, Template
from churn_devcluster.dataplane.scraping import TargetsFile, targets

TEMPLATE = Template(labels={}, annotations={}, predictor={}, runtime="churn", runtime_container={})


def service(*pods: Pod | None) -> Service:
    revisions = tuple(
        Revision(name=f"m-predictor-{number:05d}", template=TEMPLATE, pod=pod)
        for number, pod in enumerate(pods, start=1)
    )
    return Service(namespace="n", name="m", uid="u", mode=DeploymentMode.KNATIVE, revisions=revisions)


def test_each_ready_server_is_a_target_with_what_it_belongs_to() -> None:
    pods = (
        Pod(phase=Phase.READY, name="m-predictor-00001-2", port=15001),
        Pod(phase=Phase.STARTING),
        None,
    )
    assert targets([service(*pods)], None) == [
        {
            "targets": ["127.0.0.1:15001"],
            "labels": {
                "job": "model-servers",
                "namespace": "n",
                "inference_service": "m",
                "revision": "m-predictor-00001",
                "pod": "m-predictor-00001-2",
            },
        }
    ]


def test_envoy_is_a_target_while_it_runs() -> None:
    [envoy] = targets([], 15002)
    assert envoy["targets"] == ["127.0.0.1:15002"]
    assert envoy["labels"]["job"] == "envoy"
    assert envoy["labels"]["__metrics_path__"] == "/stats/prometheus"


def test_the_file_is_replaced_only_when_something_changed(tmp_path: Path) -> None:
    path = tmp_path / "below" / "targets.json"
    file = TargetsFile(path)
    file.write([])
    first = path.stat()
    file.write([])
    assert path.stat().st_ino == first.st_ino
    file.write(targets([], 15002))
    assert path.stat().st_ino != first.st_ino
    assert json.loads(path.read_text()) == targets([], 15002)
    assert [each.name for each in path.parent.iterdir()] == ["targets.json"]
