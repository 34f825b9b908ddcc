"""Settings from the environment."""

from __future__ import annotations

import pytest
from churn_webapp.application import create_app
from churn_webapp.settings import Settings

CLUSTER = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def test_a_pod_finds_its_api_server() -> None:
    assert Settings.from_environment(CLUSTER).api_server == "https://10.96.0.1:443"


def test_an_address_of_version_6_stands_in_brackets() -> None:
    assert (
        Settings.from_environment({**CLUSTER, "KUBERNETES_SERVICE_HOST": "fd00::1"}).api_server
        == "https://[fd00::1]:443"
    )


def test_variables_are_read() -> None:
    settings = Settings.from_environment(
        {"CHURN_PORT": "9000", "CHURN_SECURE_COOKIES": "false", "CHURN_NAMESPACES": "a, b"}
    )
    assert (settings.port, settings.secure_cookies, settings.namespace_names) == (9000, False, ("a", "b"))


@pytest.mark.parametrize(("variable", "value"), [("CHURN_PORT", "http"), ("CHURN_SECURE_COOKIES", "perhaps")])
def test_what_cannot_be_read_is_named(variable: str, value: str) -> None:
    with pytest.raises(ValueError, match=f"{variable}='{value}'"):
        Settings.from_environment({variable: value})


def test_secrets_do_not_show() -> None:
    assert "of a test" not in repr(Settings(secret_key="of a test"))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (Settings(), "CHURN_API_SERVER is not set"),
        (Settings(api_server="https://127.0.0.1:1", api_ca_file="/nowhere/ca.crt"), "CHURN_API_CA_FILE"),
        (Settings(api_server="http://127.0.0.1:1", s3_endpoint="minio:9000"), "CHURN_S3_ENDPOINT"),
    ],
)
def test_the_app_does_not_start_with_what_it_cannot_use(settings: Settings, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        create_app(settings)
