"""The command line and environment of a server."""

from __future__ import annotations

from pathlib import Path

import pytest
from churn_serving.settings import Peer, SettingsError, read_settings

DIGEST = "ab" * 32


def test_arguments_as_kserve_passes_them() -> None:
    settings = read_settings(
        ["--model_name=customer-churn", "--model_dir=/mnt/models", "--http_port=8080"],
        {"CHURN_MODEL_SHA256": DIGEST.upper(), "CHURN_MODEL_VERSION": "3"},
    )
    assert settings.model_name == "customer-churn"
    assert settings.model_dir == Path("/mnt/models")
    assert settings.http_port == 8080
    assert settings.host == "0.0.0.0"
    assert settings.model_sha256 == DIGEST
    assert settings.model_version == "3"


def test_an_unverified_model_has_to_be_allowed() -> None:
    with pytest.raises(SettingsError, match="CHURN_MODEL_ALLOW_UNVERIFIED=1"):
        read_settings([], {"CHURN_MODEL_VERSION": "3"})
    allowed = read_settings([], {"CHURN_MODEL_VERSION": "3", "CHURN_MODEL_ALLOW_UNVERIFIED": "1"})
    assert allowed.model_sha256 is None


@pytest.mark.parametrize("digest", ["abc", "zz" * 32, DIGEST + "0"])
def test_a_malformed_digest_is_refused_even_when_unverified_models_are_allowed(digest: str) -> None:
    with pytest.raises(SettingsError, match="64 hex digits"):
        read_settings(
            [],
            {"CHURN_MODEL_VERSION": "3", "CHURN_MODEL_SHA256": digest, "CHURN_MODEL_ALLOW_UNVERIFIED": "1"},
        )


@pytest.mark.parametrize("version", ["", "3\r\nx-evil: 1", "v 3", "é"])
def test_a_version_must_fit_into_a_header(version: str) -> None:
    with pytest.raises(SettingsError, match="CHURN_MODEL_VERSION"):
        read_settings([], {"CHURN_MODEL_SHA256": DIGEST, "CHURN_MODEL_VERSION": version})


@pytest.mark.parametrize("argument", ["--max_instances=0", "--workers=2", "--http_port=http"])
def test_a_wrong_argument_ends_the_process_with_usage(argument: str) -> None:
    with pytest.raises(SystemExit) as end:
        read_settings([argument], {"CHURN_MODEL_SHA256": DIGEST, "CHURN_MODEL_VERSION": "3"})
    assert end.value.code == 2


def test_mirrored_requests_are_compared_with_a_server_and_the_version_it_has_to_be() -> None:
    environment = {"CHURN_MODEL_SHA256": DIGEST, "CHURN_MODEL_VERSION": "3"}
    assert read_settings([], environment).peer is None
    address = {"CHURN_COMPARE_WITH": "http://churn-v2-predictor.shop.svc/below/", "CHURN_COMPARE_WITH_VERSION": "2"}
    assert read_settings([], environment | address).peer == Peer("http://churn-v2-predictor.shop.svc/below", "2")


@pytest.mark.parametrize(
    ("url", "version", "message"),
    [
        ("churn-v2", "2", "CHURN_COMPARE_WITH must be the URL"),
        ("http://", "2", "CHURN_COMPARE_WITH must be the URL"),
        ("http://churn-v2?a=b", "2", "CHURN_COMPARE_WITH must be the URL"),
        ("http://churn-v2", "", "CHURN_COMPARE_WITH_VERSION must be a model's version"),
    ],
)
def test_a_server_to_compare_with_that_cannot_be_asked_is_refused(url: str, version: str, message: str) -> None:
    environment = {"CHURN_MODEL_SHA256": DIGEST, "CHURN_MODEL_VERSION": "3"}
    with pytest.raises(SettingsError, match=message):
        read_settings([], environment | {"CHURN_COMPARE_WITH": url, "CHURN_COMPARE_WITH_VERSION": version})
