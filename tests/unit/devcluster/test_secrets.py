"""Environment of executors from the Secrets that a platform spec names."""

from __future__ import annotations

from typing import Any

import pytest
from churn_devcluster.pipelines.execute import prepared
from churn_devcluster.pipelines.secrets import MissingSecretError, executor_environments

_SECRETS = {("team", "s3"): {"id": "me", "key": "secret"}}


def _read(namespace: str, name: str) -> dict[str, str] | None:
    return _SECRETS.get((namespace, name))


def _environments(parameters: dict[str, Any] | None = None, **source: Any) -> dict[str, dict[str, str]]:
    executors = {"exec-train": {"secretAsEnv": [source]}, "exec-other": {}}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": executors}}}}
    return executor_environments(platform, parameters or {}, "team", _read)


_BOTH = [{"secretKey": "id", "envVar": "AWS_ACCESS_KEY_ID"}, {"secretKey": "key", "envVar": "AWS_SECRET_ACCESS_KEY"}]
_EXPECTED = {"exec-train": {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "secret"}, "exec-other": {}}


def test_only_the_executor_that_names_the_secret_gets_it() -> None:
    assert _environments(secretName="s3", keyToEnv=_BOTH) == _EXPECTED


def test_the_name_may_be_a_constant_or_a_parameter() -> None:
    constant = {"runtimeValue": {"constant": "s3"}}
    assert _environments(secretNameParameter=constant, keyToEnv=_BOTH) == _EXPECTED
    parameter = {"componentInputParameter": "credentials"}
    assert _environments({"credentials": "s3"}, secretNameParameter=parameter, keyToEnv=_BOTH) == _EXPECTED


def test_a_missing_secret_or_key_is_named() -> None:
    with pytest.raises(MissingSecretError, match="Secret team/gone does not exist"):
        _environments(secretName="gone", keyToEnv=_BOTH)
    with pytest.raises(MissingSecretError, match="Secret team/s3 has no key token"):
        _environments(secretName="s3", keyToEnv=[{"secretKey": "token", "envVar": "TOKEN"}])


def test_an_optional_secret_may_be_missing() -> None:
    assert _environments(secretName="gone", optional=True, keyToEnv=_BOTH)["exec-train"] == {}


def test_a_pipeline_without_a_platform_spec_needs_no_secret() -> None:
    assert executor_environments({}, {}, "team", _read) == {}


def test_the_environment_goes_into_its_executor_and_the_original_stays_as_it_is() -> None:
    container = {"image": "registry.test/trainer:1", "env": [{"name": "LEVEL", "value": "info"}]}
    spec = {"deploymentSpec": {"executors": {"exec-train": {"container": container}, "exec-import": {"importer": {}}}}}
    done = prepared(spec, {"exec-train": {"TOKEN": "x"}})
    assert done["deploymentSpec"]["executors"]["exec-train"]["container"]["env"] == [
        {"name": "LEVEL", "value": "info"},
        {"name": "TOKEN", "value": "x"},
    ]
    assert container["env"] == [{"name": "LEVEL", "value": "info"}]
