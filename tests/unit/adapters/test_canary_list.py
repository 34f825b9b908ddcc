"""The canary driver's manifests and readings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_operator.adapters.kserve.canary_list import Kept, kept_of, manifest, number_of, observation
from churn_operator.core.canary_list import CanaryListObservation, CanaryShare, ListedCanary, ListedVersion
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import CanaryListStep, PredictorSettings, Readiness, ServedVersion

pytestmark = pytest.mark.unit

_GOLDEN = Path(__file__).parent / "golden"
_KEY = ObjectKey("shop", "telco")
_SETTINGS = PredictorSettings(
    runtime="churn-serving",
    service_account_name="sa-models",
    min_replicas=2,
    max_replicas=3,
    requests=(("cpu", "500m"),),
)
_PLAIN = PredictorSettings(runtime="churn-serving")
_ONE = ServedVersion(1, "s3://mlops/churn/shop/telco/0123/1/model", "aaaa")
_TWO = ServedVersion(2, "s3://mlops/churn/shop/telco/4567/1/model", "bbbb")

Object = dict[str, Any]


def _golden(name: str) -> Object:
    content: Object = yaml.safe_load((_GOLDEN / name).read_text())
    return content


@pytest.fixture
def ready() -> Object:
    return _golden("canary-list-ready.yaml")


def test_the_manifest_of_a_split_is_the_golden_one() -> None:
    written = manifest(_KEY, "5f0c", CanaryListStep(_ONE, _TWO, 10, _SETTINGS), Kept())
    assert written == _golden("canary-list-split.yaml")


def test_a_candidate_becomes_the_predictor_with_the_very_pods_it_had() -> None:
    split = manifest(_KEY, "u", CanaryListStep(_ONE, _TWO, 100, _SETTINGS), Kept())["spec"]["canary"][0]["predictor"]
    promoted = manifest(_KEY, "u", CanaryListStep(_TWO, None, 0, _SETTINGS), Kept())["spec"]["predictor"]
    assert promoted == split | {"maxReplicas": 3}


def test_without_a_candidate_the_list_is_left_out_which_removes_it() -> None:
    assert "canary" not in manifest(_KEY, "u", CanaryListStep(_ONE, None, 0, _SETTINGS), Kept())["spec"]


@pytest.mark.parametrize("kept", [Kept("v7", (("CHURN_MODEL_SHA256", "cccc"),)), Kept("theirs"), Kept()])
def test_a_predictor_that_stays_keeps_its_name_and_environment(kept: Kept) -> None:
    stays = ServedVersion(0, _ONE.uri, "")
    written = manifest(_KEY, "u", CanaryListStep(stays, _TWO, 100, _PLAIN), kept)["spec"]["predictor"]
    assert written.get("name", "") == kept.name
    assert written["model"]["env"] == [{"name": name, "value": value} for name, value in kept.environment]


def test_what_the_cluster_keeps_is_read(ready: Object) -> None:
    assert kept_of(ready) == Kept("v1", (("CHURN_MODEL_SHA256", "aaaa"), ("CHURN_MODEL_VERSION", "1")))


def test_a_ready_canary_is_read(ready: Object) -> None:
    added = replace(_PLAIN, requests=(("memory", "2Gi"),))
    assert observation(ready) == CanaryListObservation(
        predictor=ListedVersion(1, _ONE.uri, _PLAIN),
        readiness=Readiness.READY,
        canary=ListedCanary(ListedVersion(2, _TWO.uri, added), 10),
        shares=(CanaryShare(2, True, 10),),
        url="http://telco.shop.example.com",
    )


def test_without_a_status_nothing_is_ready(ready: Object) -> None:
    del ready["status"]
    read = observation(ready)
    assert (read.readiness, read.shares, read.url) == (Readiness.PROGRESSING, (), None)
    assert read.shifting


def test_a_failed_update_is_seen_though_ready_stays_true(ready: Object) -> None:
    ready["status"]["modelStatus"]["transitionStatus"] = "BlockedByFailedLoad"
    read = observation(ready)
    assert (read.readiness, read.message) == (Readiness.FAILED, "ModelLoadFailed: no such file")


def test_somebody_elses_second_canary_is_seen(ready: Object) -> None:
    ready["spec"]["canary"].append({"trafficPercent": 1, "predictor": {"name": "theirs"}})
    assert observation(ready).others


@pytest.mark.parametrize(
    ("name", "number"), [("v1", 1), ("v12", 12), ("v0", None), ("", None), (None, None), ("blue", None), ("v1x", None)]
)
def test_the_version_is_in_the_name(name: str | None, number: int | None) -> None:
    assert number_of(name) == number
