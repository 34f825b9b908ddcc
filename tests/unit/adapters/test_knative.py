"""The Knative driver's manifests and readings; each trap that KServe sets has a test here."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_operator.adapters.kserve.knative import manifest, observation
from churn_operator.adapters.kserve.predictor import environment_in
from churn_operator.core.knative import KnativeObservation, RevisionTraffic
from churn_operator.core.observation import ObjectKey
from churn_operator.core.traffic import KnativeStep, PredictorSettings, Readiness, ServedVersion

pytestmark = pytest.mark.unit

_GOLDEN = Path(__file__).parent / "golden"
_KEY = ObjectKey("shop", "telco")
_SETTINGS = PredictorSettings(
    runtime="churn-serving",
    service_account_name="sa-models",
    min_replicas=0,
    max_replicas=3,
    requests=(("cpu", "500m"), ("memory", "512Mi")),
    limits=(("memory", "1Gi"),),
)
_ONE = ServedVersion(1, "s3://mlops/churn/shop/telco/0123/1/model", "aaaa")
_TWO = ServedVersion(2, "s3://mlops/churn/shop/telco/4567/1/model", "bbbb", "telco-predictor-00002")

Object = dict[str, Any]


def _golden(name: str) -> Object:
    content: Object = yaml.safe_load((_GOLDEN / name).read_text())
    return content


@pytest.fixture
def bad_canary() -> Object:
    return _golden("knative-bad-canary.yaml")


def test_the_manifest_is_the_golden_one() -> None:
    assert manifest(_KEY, "5f0c", KnativeStep(_ONE, 100, _SETTINGS)) == _golden("knative-create.yaml")


@pytest.mark.parametrize("percent", [0, 1, 50, 100])
def test_the_percentage_is_always_written_because_omission_promotes(percent: int) -> None:
    written = manifest(_KEY, "u", KnativeStep(_TWO, percent, _SETTINGS))
    assert written["spec"]["predictor"]["canaryTrafficPercent"] == percent


@pytest.mark.parametrize(("percent", "bounded"), [(150, 100), (-1, 0)])
def test_the_percentage_is_bounded_because_kserve_takes_anything(percent: int, bounded: int) -> None:
    written = manifest(_KEY, "u", KnativeStep(_TWO, percent, _SETTINGS))
    assert written["spec"]["predictor"]["canaryTrafficPercent"] == bounded


def test_metadata_never_changes_because_each_label_and_annotation_makes_a_revision() -> None:
    first = manifest(_KEY, "u", KnativeStep(_ONE, 100, _SETTINGS))
    later = manifest(_KEY, "u", KnativeStep(_TWO, 10, PredictorSettings(runtime="other")))
    assert first["metadata"] == later["metadata"]


def test_another_version_is_another_uri_because_a_fixed_uri_never_makes_a_revision() -> None:
    models = [manifest(_KEY, "u", KnativeStep(v, 100, _SETTINGS))["spec"]["predictor"]["model"] for v in (_ONE, _TWO)]
    assert models[0]["storageUri"] != models[1]["storageUri"]


def test_taking_traffic_from_a_uri_leaves_its_pods_as_they_are(bad_canary: Object) -> None:
    read = observation(bad_canary)
    step = KnativeStep(ServedVersion(0, read.uri, ""), 0, read.settings)
    written = manifest(_KEY, "u", step, environment_in(bad_canary))["spec"]["predictor"]
    assert written["canaryTrafficPercent"] == 0
    assert written["model"]["env"] == bad_canary["spec"]["predictor"]["model"]["env"]
    assert written["model"]["storageUri"] == bad_canary["spec"]["predictor"]["model"]["storageUri"]


def test_a_version_that_is_known_brings_its_own_environment(bad_canary: Object) -> None:
    written = manifest(_KEY, "u", KnativeStep(_ONE, 0, _SETTINGS), environment_in(bad_canary))
    assert written["spec"]["predictor"]["model"]["env"][0] == {"name": "CHURN_MODEL_SHA256", "value": "aaaa"}


@pytest.mark.parametrize(
    "settings",
    [
        _SETTINGS,
        PredictorSettings(runtime="churn-serving"),
        PredictorSettings(runtime="r", min_replicas=2, limits=(("cpu", "2"),)),
        PredictorSettings(runtime="r", service_account_name="sa", max_replicas=1, requests=(("memory", "1Gi"),)),
    ],
)
def test_what_was_applied_is_read_back(settings: PredictorSettings) -> None:
    written = manifest(_KEY, "u", KnativeStep(_TWO, 10, settings))
    read = observation(written)
    assert (read.uri, read.percent, read.settings) == (_TWO.uri, 10, settings)


def test_what_the_webhooks_add_is_not_read_as_ours(bad_canary: Object) -> None:
    assert observation(bad_canary).settings == PredictorSettings(
        runtime="churn-serving", min_replicas=1, requests=(("memory", "512Mi"),)
    )


def test_resources_that_are_all_of_the_webhook_are_not_ours() -> None:
    raw = manifest(_KEY, "u", KnativeStep(_TWO, 10, PredictorSettings(runtime="r")))
    raw["spec"]["predictor"]["model"]["resources"] = {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}
    ours = {"f:spec": {"f:predictor": {"f:model": {"f:storageUri": {}}}}}
    raw["metadata"]["managedFields"] = [
        {"manager": "churnmodel-operator", "operation": "Apply", "fieldsV1": ours},
        {"manager": "kubectl-edit", "operation": "Update", "fieldsV1": {"f:spec": {}}},
    ]
    assert observation(raw).settings == PredictorSettings(runtime="r")


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        (lambda predictor: predictor["model"].update(storageUri="s3://else/where"), "uri", "s3://else/where"),
        (lambda predictor: predictor.update(canaryTrafficPercent=77), "percent", 77),
        (lambda predictor: predictor.pop("canaryTrafficPercent"), "percent", None),
        (lambda predictor: predictor.pop("model"), "uri", ""),
    ],
)
def test_a_foreign_edit_shows(
    bad_canary: Object, change: Callable[[Object], object], field: str, value: object
) -> None:
    change(bad_canary["spec"]["predictor"])
    assert getattr(observation(bad_canary), field) == value


@pytest.mark.parametrize("foreign", [{"maxReplicas": 9}, {"serviceAccountName": "other"}])
def test_what_we_leave_open_others_may_set(bad_canary: Object, foreign: Object) -> None:
    before = observation(bad_canary).settings
    bad_canary["spec"]["predictor"].update(foreign)
    assert observation(bad_canary).settings == before


@pytest.mark.parametrize("field", ["maxReplicas", "serviceAccountName"])
def test_what_we_set_and_others_took_over_shows(field: str) -> None:
    raw = manifest(_KEY, "u", KnativeStep(_TWO, 10, _SETTINGS))
    ours = {"f:minReplicas": {}, "f:maxReplicas": {}, "f:serviceAccountName": {}}
    del ours[f"f:{field}"]
    entry = {"manager": "churnmodel-operator", "operation": "Apply", "fieldsV1": {"f:spec": {"f:predictor": ours}}}
    raw["metadata"]["managedFields"] = [entry]
    assert observation(raw).settings != _SETTINGS


def test_a_quantity_in_the_webhooks_form_is_what_was_asked_for() -> None:
    asked = PredictorSettings(runtime="r", requests=(("cpu", "0.5"),))
    raw = manifest(_KEY, "u", KnativeStep(_TWO, 10, asked))
    raw["spec"]["predictor"]["model"]["resources"] = {"requests": {"cpu": "500m"}}
    assert observation(raw).settings == asked


@pytest.mark.parametrize(
    "change",
    [
        lambda predictor: predictor.update(minReplicas=9),
        lambda predictor: predictor["model"].update(runtime="other"),
        lambda predictor: predictor["model"]["resources"]["requests"].update(memory="9Gi"),
    ],
)
def test_a_foreign_edit_of_the_settings_shows(bad_canary: Object, change: Callable[[Object], object]) -> None:
    before = observation(bad_canary).settings
    change(bad_canary["spec"]["predictor"])
    assert observation(bad_canary).settings != before


def test_a_new_object_without_a_status_is_read() -> None:
    read = observation(manifest(_KEY, "u", KnativeStep(_ONE, 100, _SETTINGS)))
    assert read == KnativeObservation(uri=_ONE.uri, percent=100, settings=_SETTINGS)
    assert read.reading(_ONE, "").readiness is Readiness.PROGRESSING


def test_a_bad_canary_is_failed_and_the_old_revision_serves(bad_canary: Object) -> None:
    read = observation(bad_canary)
    assert read.latest_created == "telco-predictor-00002"
    assert read.latest_ready == read.latest_rolled_out == "telco-predictor-00001"
    assert read.traffic == (RevisionTraffic("telco-predictor-00002", 10), RevisionTraffic("telco-predictor-00001", 90))
    assert read.revision_failed
    assert read.failure == "ModelLoadFailed: sha256 of model.joblib is cccc, expected bbbb"
    assert read.reading(_TWO, "telco-predictor-00001").readiness is Readiness.FAILED
    stable = ServedVersion(1, _ONE.uri, "aaaa", "telco-predictor-00001")
    assert (read.reading(stable, "").readiness, read.reading(stable, "").percent) == (Readiness.READY, 90)


def _recovered(raw: Object) -> Object:
    """The same object after a good revision; the failure's information stays, as KServe leaves it."""
    recovered = deepcopy(raw)
    status = recovered["status"]
    status["conditions"] = [{"type": "PredictorReady", "status": "True"}, {"type": "Ready", "status": "True"}]
    status["modelStatus"]["transitionStatus"] = "UpToDate"
    status["components"]["predictor"] |= {
        "latestCreatedRevision": "telco-predictor-00003",
        "latestReadyRevision": "telco-predictor-00003",
    }
    return recovered


def test_a_failure_of_the_past_is_not_read(bad_canary: Object) -> None:
    read = observation(_recovered(bad_canary))
    assert (read.failure, read.revision_failed) == ("", False)
    assert read.reading(_TWO, "telco-predictor-00002").readiness is Readiness.READY


def test_a_condition_that_names_an_earlier_revision_is_about_the_past(bad_canary: Object) -> None:
    component = bad_canary["status"]["components"]["predictor"]
    component["latestCreatedRevision"] = "telco-predictor-00003"
    bad_canary["status"]["conditions"] = [
        condition for condition in bad_canary["status"]["conditions"] if condition["type"] == "PredictorReady"
    ]
    bad_canary["status"]["modelStatus"]["transitionStatus"] = "InProgress"
    assert not observation(bad_canary).revision_failed


@pytest.mark.parametrize("generation", [None, 0, 1, 99])
def test_observed_generation_is_ignored(bad_canary: Object, generation: int | None) -> None:
    before = observation(bad_canary)
    bad_canary["status"]["observedGeneration"] = generation
    assert observation(bad_canary) == before


@pytest.mark.parametrize("status", ["True", "False", "Unknown"])
def test_the_condition_stopped_is_ignored(bad_canary: Object, status: str) -> None:
    before = observation(bad_canary)
    bad_canary["status"]["conditions"][-1]["status"] = status
    assert observation(bad_canary) == before


@pytest.mark.parametrize("transition", ["InProgress", "Pending"])
def test_scaled_to_zero_is_not_failed(bad_canary: Object, transition: str) -> None:
    raw = _recovered(bad_canary)
    raw["status"]["modelStatus"] |= {"transitionStatus": transition, "copies": {"totalCopies": 0}}
    read = observation(raw)
    assert not read.revision_failed
    assert read.reading(_TWO, "telco-predictor-00002").readiness is Readiness.READY


def test_a_missing_secret_is_told_though_the_model_status_stays_pending() -> None:
    raw = manifest(_KEY, "u", KnativeStep(_ONE, 100, _SETTINGS))
    raw["status"] = {
        "modelStatus": {"transitionStatus": "Pending"},
        "conditions": [
            {"type": "PredictorReady", "status": "False", "reason": "FailedCreate", "message": "no such secret"}
        ],
    }
    read = observation(raw)
    assert read.failure == "FailedCreate: no such secret"
    assert not read.revision_failed


def test_a_deletion_under_way_shows(bad_canary: Object) -> None:
    bad_canary["metadata"]["deletionTimestamp"] = "2026-08-01T00:00:00Z"
    assert observation(bad_canary).terminating
