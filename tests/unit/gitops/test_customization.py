"""The tests that lie beside the Lua, in Argo CD's own form, and the ConfigMap that is made of the same files."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from churn_operator.core.verbs import Verb

from deploy.argocd.config_map import CONFIG_MAP, rendered
from tests.unit.gitops.argocd import CUSTOMIZATION, Argo, LuaFault

pytestmark = pytest.mark.unit

ACTIONS = CUSTOMIZATION / "actions"
HEALTH_TESTS = yaml.safe_load((CUSTOMIZATION / "health_test.yaml").read_text())["tests"]
ACTION_TESTS = yaml.safe_load((ACTIONS / "action_test.yaml").read_text())
NAMES = {*(verb.value for verb in Verb), "rollback", "unpin"}


@pytest.mark.parametrize("test", HEALTH_TESTS, ids=lambda test: str(test["inputPath"]))
def test_health(test: dict[str, Any]) -> None:
    model = yaml.safe_load((CUSTOMIZATION / test["inputPath"]).read_text())
    assert Argo().health(model) == test["healthStatus"]


@pytest.mark.parametrize("test", ACTION_TESTS["discoveryTests"], ids=lambda test: str(test["inputPath"]))
def test_discovery(test: dict[str, Any]) -> None:
    model = yaml.safe_load((ACTIONS / test["inputPath"]).read_text())
    found = [{"name": name, **action} for name, action in Argo().actions(model).items()]
    assert sorted(found, key=_name) == sorted(test["result"], key=_name)


def _name(action: dict[str, Any]) -> str:
    return str(action["name"])


@pytest.mark.parametrize("test", ACTION_TESTS["actionTests"], ids=lambda test: f"{test['action']}")
def test_action(test: dict[str, Any]) -> None:
    model = yaml.safe_load((ACTIONS / test["inputPath"]).read_text())
    expected = yaml.safe_load((ACTIONS / test["expectedOutputPath"]).read_text())
    assert Argo().act(test["action"], model) == expected


def test_every_script_and_every_file_of_testdata_is_used() -> None:
    assert {path.parent.name for path in ACTIONS.glob("*/action.lua")} == NAMES
    assert {test["action"] for test in ACTION_TESTS["actionTests"]} == NAMES
    used = {CUSTOMIZATION / test["inputPath"] for test in HEALTH_TESTS}
    for test in ACTION_TESTS["discoveryTests"]:
        used.add(ACTIONS / test["inputPath"])
    for test in ACTION_TESTS["actionTests"]:
        used |= {ACTIONS / test["inputPath"], ACTIONS / test["expectedOutputPath"]}
    assert used == {*CUSTOMIZATION.glob("testdata/*.yaml"), *ACTIONS.glob("testdata/*.yaml")}


def test_all_four_healths_are_shown() -> None:
    shown = {test["healthStatus"]["status"] for test in HEALTH_TESTS}
    assert shown == {"Healthy", "Progressing", "Degraded", "Suspended"}


def test_a_rollback_with_nothing_before_is_an_error_that_says_so() -> None:
    model = yaml.safe_load((ACTIONS / "testdata/training.yaml").read_text())
    with pytest.raises(LuaFault, match="no version was in service before this one"):
        Argo().act("rollback", model)


def test_the_config_map_has_the_scripts_word_for_word() -> None:
    data = yaml.safe_load(rendered()[CONFIG_MAP])["data"]
    assert data["resource.customizations.health.churnops.dev_ChurnModel"] == (CUSTOMIZATION / "health.lua").read_text()
    actions = yaml.safe_load(data["resource.customizations.actions.churnops.dev_ChurnModel"])
    assert actions["discovery.lua"] == (ACTIONS / "discovery.lua").read_text()
    scripts = {each["name"]: each["action.lua"] for each in actions["definitions"]}
    assert scripts == {name: (ACTIONS / name / "action.lua").read_text() for name in NAMES}
