"""The cache of InferenceServices: the newest resourceVersion wins."""

from typing import Any

import pytest
from churn_operator.adapters.kserve.known import KnownServices
from churn_operator.core.knative import KnativeObservation
from churn_operator.core.observation import ObjectKey

pytestmark = pytest.mark.unit

_KEY = ObjectKey("shop", "telco")


def _service(version: int, uri: str = "s3://mlops/a", name: str = "telco", label: str | None = "telco") -> Any:
    return {
        "metadata": {
            "namespace": "shop",
            "name": name,
            "resourceVersion": str(version),
            "labels": {} if label is None else {"churnops.dev/model": label},
        },
        "spec": {"predictor": {"model": {"storageUri": uri}}},
    }


def _uri(known: KnownServices) -> str | None:
    found = known.get(_KEY)
    return found.observation.uri if found and isinstance(found.observation, KnativeObservation) else None


def test_a_later_version_replaces_an_earlier_one() -> None:
    known = KnownServices()
    known.seen(_service(9))
    known.seen(_service(10, "s3://mlops/b"))
    assert _uri(known) == "s3://mlops/b"


def test_a_late_event_does_not_undo_what_we_wrote() -> None:
    known = KnownServices()
    known.seen(_service(10, "s3://mlops/b"))
    known.seen(_service(9))
    assert _uri(known) == "s3://mlops/b"


def test_a_deletion_is_seen() -> None:
    known = KnownServices()
    known.seen(_service(9))
    known.seen(_service(10), deleted=True)
    assert known.get(_KEY) is None


def test_a_late_deletion_of_an_earlier_object_is_not() -> None:
    known = KnownServices()
    known.seen(_service(12))
    known.seen(_service(10), deleted=True)
    assert _uri(known) == "s3://mlops/a"


@pytest.mark.parametrize("label", [None, "other"])
def test_somebody_elses_object_is_not_kept(label: str | None) -> None:
    known = KnownServices()
    known.seen(_service(9, label=label))
    assert known.get(_KEY) is None


def test_an_object_that_lost_our_label_is_forgotten() -> None:
    known = KnownServices()
    known.seen(_service(9))
    known.seen(_service(10, label=None))
    assert known.get(_KEY) is None


def test_a_versions_own_service_is_not_the_models() -> None:
    known = KnownServices()
    known.seen(_service(9, name="telco-v1"))
    assert known.get(_KEY) is None
    assert known.get(ObjectKey("shop", "telco-v1")) is None


def test_a_route_of_the_same_name_is_no_inference_service() -> None:
    known = KnownServices()
    known.seen(_service(9))
    known.seen({**_service(10, "s3://mlops/b"), "kind": "HTTPRoute"})
    known.seen({**_service(11), "kind": "HTTPRoute"}, deleted=True)
    assert _uri(known) == "s3://mlops/a"


def test_an_answer_that_was_on_its_way_when_the_object_went_does_not_bring_it_back() -> None:
    known = KnownServices()
    known.seen(_service(10), deleted=True)
    known.seen(_service(9))
    assert known.get(_KEY) is None
    known.seen(_service(11, "s3://mlops/b"))
    assert _uri(known) == "s3://mlops/b"


def test_of_objects_that_went_only_the_last_ones_are_remembered() -> None:
    known = KnownServices()
    for number in range(1500):
        known.seen(_service(number + 1, name=f"telco-{number}", label=f"telco-{number}"), deleted=True)
    assert len(known._gone) == 1000


def test_what_is_known_has_its_names() -> None:
    known = KnownServices()
    known.seen(_service(9))
    assert known.names() == {("InferenceService", _KEY): _KEY}
    known.seen(_service(10), deleted=True)
    assert known.names() == {}
