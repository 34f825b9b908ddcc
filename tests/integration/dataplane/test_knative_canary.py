"""Knative mode: what canaryTrafficPercent does to revisions, traffic and status."""

from __future__ import annotations

import pytest

from .conftest import Model, answers, condition, is_up_to_date, traffic

_REQUESTS = 1500


def test_the_first_rollout_is_no_canary(model: Model) -> None:
    model.apply("one", percent=10)
    status = model.until(is_up_to_date)
    assert traffic(status) == {"1": 100}
    assert status["components"]["predictor"]["latestRolledoutRevision"] == "churn-predictor-00001"
    assert status["url"].endswith(f"/serving/{model.namespace}/churn")
    assert status["deploymentMode"] == "Knative"
    assert answers(status["url"], 5) == {"one": 5}
    assert model.get()["metadata"]["finalizers"] == ["inferenceservice.finalizers"]


def test_a_canary_goes_from_10_to_50_to_100(model: Model) -> None:
    model.apply("one")
    model.until(is_up_to_date)
    for percent in (10, 50):
        model.apply("two", percent)
        status = model.until(lambda status, p=percent: traffic(status) == {"1": 100 - p, "2": p})  # type: ignore[misc]
        shares = answers(status["url"], _REQUESTS)
        # Five standard deviations of a fair split.
        assert abs(shares["two"] / _REQUESTS - percent / 100) < 0.065
        assert status["components"]["predictor"]["latestRolledoutRevision"] == "churn-predictor-00001"
    model.apply("two", 100)
    status = model.until(lambda status: traffic(status) == {"2": 100})
    assert answers(status["url"], 50) == {"two": 50}
    status = model.until(
        lambda status: status["components"]["predictor"]["latestRolledoutRevision"] == "churn-predictor-00002"
    )
    assert status["components"]["predictor"]["previousRolledoutRevision"] == "churn-predictor-00001"
    assert status["components"]["predictor"]["latestCreatedRevision"] == "churn-predictor-00002"


def test_omission_promotes(model: Model) -> None:
    model.apply("one")
    model.until(is_up_to_date)
    model.apply("two", 10)
    model.until(lambda status: traffic(status) == {"1": 90, "2": 10})
    model.apply("two")
    status = model.until(lambda status: traffic(status) == {"2": 100})
    assert answers(status["url"], 20) == {"two": 20}


def test_a_corrupt_candidate_gets_nothing_and_the_good_revision_keeps_serving(model: Model) -> None:
    model.apply("one")
    model.until(is_up_to_date)
    model.apply("corrupt", 10)
    status = model.until(
        lambda status: (
            status["modelStatus"]["transitionStatus"] == "BlockedByFailedLoad"
            and condition(status, "Ready")["status"] == "False"
        )
    )
    assert condition(status, "Ready")["reason"] == "RevisionFailed"
    assert "it is corrupt" in condition(status, "PredictorReady")["message"]
    assert condition(status, "PredictorRouteReady")["status"] == "True"
    assert status["modelStatus"]["states"] == {
        "activeModelState": "Loaded",
        "targetModelState": "FailedToLoad",
    }
    failure = status["modelStatus"]["lastFailureInfo"]
    assert (failure["reason"], failure["exitCode"]) == ("ModelLoadFailed", 1)
    assert "cannot load model.txt" in failure["message"]
    assert traffic(status) == {"1": 100}
    assert answers(status["url"], 50) == {"one": 50}

    model.apply("three", 10)
    status = model.until(lambda status: is_up_to_date(status) and traffic(status) == {"1": 90, "3": 10})
    assert status["modelStatus"]["lastFailureInfo"] == failure, "sticky, as in KServe"


def test_zero_returns_all_traffic_and_after_a_promotion_goes_one_level_back(model: Model) -> None:
    model.apply("one")
    model.until(is_up_to_date)
    model.apply("two", 50)
    model.until(lambda status: traffic(status) == {"1": 50, "2": 50})
    model.apply("two", 0)
    status = model.until(lambda status: traffic(status) == {"1": 100, "2": 0})
    assert answers(status["url"], 50) == {"one": 50}
    model.apply("two")
    model.until(lambda status: status["components"]["predictor"]["latestRolledoutRevision"] == "churn-predictor-00002")
    model.apply("two", 0)
    status = model.until(lambda status: traffic(status) == {"1": 100, "2": 0})
    assert answers(status["url"], 50) == {"one": 50}


@pytest.mark.parametrize("what", ["labels", "annotation"])
def test_metadata_makes_a_new_revision(model: Model, what: str) -> None:
    model.apply("one")
    model.until(is_up_to_date)
    if what == "labels":
        model.apply("one", labels={"run": "17"})
    else:
        model.annotate({"run": "17"})
    status = model.until(
        lambda status: (
            is_up_to_date(status)
            and status["components"]["predictor"]["latestCreatedRevision"] == "churn-predictor-00002"
        )
    )
    assert answers(status["url"], 5) == {"one": 5}


def test_an_unchanged_apply_makes_no_revision_and_no_write(model: Model) -> None:
    model.apply("one")
    model.until(is_up_to_date)
    model.apply("two", 10)
    model.until(lambda status: is_up_to_date(status) and traffic(status) == {"1": 90, "2": 10})
    settled = model.until_settled()
    model.apply("two", 10)
    assert model.until_settled() == settled


def test_a_percentage_above_100_is_admitted_and_changes_nothing(model: Model) -> None:
    model.apply("one")
    model.until(is_up_to_date)
    before = model.until_settled()
    model.apply("two", 150)
    after = model.until_settled()
    assert after["spec"]["predictor"]["canaryTrafficPercent"] == 150
    assert after["status"] == before["status"]
    assert answers(after["status"]["url"], 5) == {"one": 5}


def test_no_runtime_for_the_format_is_an_invalid_spec(model: Model) -> None:
    model.apply("one", model_format="tensorflow")
    status = model.until(lambda status: status.get("modelStatus", {}).get("transitionStatus") == "InvalidSpec")
    assert condition(status, "Ready")["status"] == "Unknown"
    assert status["modelStatus"]["lastFailureInfo"]["reason"] == "NoSupportingRuntime"
    assert "components" not in status


def test_a_missing_secret_leaves_the_model_pending(model: Model) -> None:
    model.name_a_missing_secret()
    model.apply("one")
    status = model.until(lambda status: condition(status, "PredictorReady")["status"] == "False")
    assert condition(status, "PredictorReady")["reason"] == "FailedCreate"
    assert 'secret "gone" not found' in condition(status, "PredictorReady")["message"]
    assert status["modelStatus"]["states"]["targetModelState"] == "Pending"
