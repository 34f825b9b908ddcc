"""Prometheus has the series of real model servers, and loses a server's target with the server."""

from __future__ import annotations

import httpx
from churn_devcluster.cluster import Devcluster

from .conftest import Models, ask, by, until


def _targets(cluster: Devcluster, namespace: str) -> set[str]:
    """InferenceServices among the active targets."""
    answer = httpx.get(
        f"{cluster.prometheus.url}/api/v1/targets", params={"state": "active"}, trust_env=False, timeout=60
    )
    labels = [each["labels"] for each in answer.json()["data"]["activeTargets"]]
    return {each["inference_service"] for each in labels if each.get("namespace") == namespace}


def test_requests_are_counted_by_version_in_prometheus_and_by_revision_in_envoy(
    cluster: Devcluster, models: Models
) -> None:
    models.serve("1", "2")
    tally = ask(models.route({"1": 80, "2": 20}), 300)
    assert tally.codes == {200: 300}
    assert set(tally.versions) == {"1", "2"}
    counted = f"sum by (version) ({models.series('churn_prediction_requests_total')})"
    until(lambda: by("version", cluster.prometheus.query(counted)) == tally.versions, "all requests are counted")
    [series] = [
        each["metric"]
        for each in cluster.prometheus.query(models.series("churn_prediction_requests_total"))
        if each["metric"]["version"] == "2"
    ]
    assert series["model"] == "churn"
    assert series["inference_service"] == "churn-v2"
    assert series["revision"] == "churn-v2-predictor-00001"
    assert series["pod"] == "churn-v2-predictor-00001-1"
    assert (series["protocol"], series["code"]) == ("v1", "200")
    envoy = f"sum by (revision) ({models.series('envoy_cluster_upstream_rq_total')})"

    def counted_by_envoy() -> bool:
        revisions = by("revision", cluster.prometheus.query(envoy))
        # The questions whether the route is in force are requests too.
        return revisions.get("churn-v2-predictor-00001", 0) >= tally.versions["2"]

    until(counted_by_envoy, "Envoy counted them by revision")


def test_a_shadow_is_measured_though_no_client_sees_it(cluster: Devcluster, models: Models) -> None:
    models.serve("1", "2")
    tally = ask(models.route({"1": 100}, mirror="2"), 100)
    assert tally.versions == {"1": 100}
    counted = f"sum by (version) ({models.series('churn_prediction_requests_total')})"
    until(
        lambda: by("version", cluster.prometheus.query(counted)) == {"1": 100, "2": 100},
        "both versions have seen all requests",
    )


def test_a_target_goes_with_its_server(cluster: Devcluster, models: Models) -> None:
    models.serve("1", "2")
    until(lambda: _targets(cluster, models.namespace) == {"churn-v1", "churn-v2"}, "both are scraped")
    up = models.series("up")
    until(lambda: len(cluster.prometheus.query(up)) == 2, "both are up")
    models.delete("2")
    until(lambda: _targets(cluster, models.namespace) == {"churn-v1"}, "the target is gone")
    until(lambda: by("inference_service", cluster.prometheus.query(up)) == {"churn-v1": 1}, "its series ended")


def test_a_restarted_prometheus_has_the_same_address_and_remembers(cluster: Devcluster, models: Models) -> None:
    models.serve("1")
    ask(models.url("1"), 10)
    counted = models.series("churn_prediction_requests_total")
    until(lambda: bool(cluster.prometheus.query(counted)), "the requests are counted")
    assert cluster.environment()["PROMETHEUS_URL"] == cluster.prometheus.url
    [before] = cluster.prometheus.query(f"timestamp({counted})")
    cluster.prometheus.restart()
    assert cluster.environment()["PROMETHEUS_URL"] == cluster.prometheus.url
    # The samples themselves: a question by steps has no step yet after a sample of this very second.
    [remembered] = cluster.prometheus.query(f"{counted}[5m]")
    first, _ = remembered["values"][0]
    assert first <= float(before["value"][1])


def test_a_restarted_data_plane_is_scraped_again(cluster: Devcluster, models: Models) -> None:
    models.serve("1")
    until(lambda: _targets(cluster, models.namespace) == {"churn-v1"}, "it is scraped")
    cluster.data_plane.stop()
    until(lambda: _targets(cluster, models.namespace) == set(), "its target is gone")
    cluster.data_plane.start()
    up = models.series("up")
    until(lambda: by("inference_service", cluster.prometheus.query(up)) == {"churn-v1": 1}, "it is scraped again")
