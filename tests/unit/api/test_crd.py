"""The generated CustomResourceDefinition: committed as generated, described throughout, structural."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_operator.api.crd import custom_resource_definition, main, manifest
from churn_operator.api.v1alpha1.availability import NOT_YET_AVAILABLE

pytestmark = pytest.mark.unit

COMMITTED = Path(__file__).parents[3] / "crds"


def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def _nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from _nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from _nodes(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from _nodes(schema["additionalProperties"], f"{path}{{}}")


NODES = dict(_nodes(_schema()))


def test_the_committed_definition_is_the_generated_one() -> None:
    assert main(["--check", "--directory", str(COMMITTED)]) == 0


def test_check_fails_on_a_file_that_differs_and_names_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check", "--directory", str(tmp_path)]) == 1
    assert "make generate" in capsys.readouterr().err
    assert main(["--directory", str(tmp_path)]) == 0
    assert main(["--check", "--directory", str(tmp_path)]) == 0
    [file] = tmp_path.iterdir()
    file.write_text(file.read_text() + "# edited\n")
    assert main(["--check", "--directory", str(tmp_path)]) == 1


def test_the_manifest_is_plain_yaml_of_the_definition() -> None:
    assert yaml.safe_load(manifest()) == custom_resource_definition()
    assert "&id" not in manifest()


@pytest.mark.parametrize(
    "path", [path for path in NODES if path.rsplit(".", 1)[-1] not in ("metadata",) and not path.endswith(("[]", "{}"))]
)
def test_every_property_is_described_in_a_sentence(path: str) -> None:
    description = NODES[path].get("description", "")
    assert description.endswith("."), f"{path}: {description!r}"
    assert "\n" not in description


def test_no_schema_carries_a_title_or_a_bare_pattern() -> None:
    assert [path for path, node in NODES.items() if {"title", "pattern"} & node.keys()] == []


def test_everything_a_person_writes_is_bounded() -> None:
    unbounded = [path for path, node in NODES.items() if path.startswith(".spec") and not _bounded(node)]
    assert unbounded == []


def _bounded(node: dict[str, Any]) -> bool:
    bounds = {
        "string": node.keys() & {"maxLength", "enum"},
        "array": node.keys() & {"maxItems"},
        "integer": node.keys() & {"maximum"},
        "object": node.keys() & {"maxProperties", "properties"},
    }
    return bool(bounds.get(node.get("type", ""), True))


def test_lists_of_named_things_merge_by_their_key() -> None:
    keys = {
        path: node["x-kubernetes-list-map-keys"] for path, node in NODES.items() if "x-kubernetes-list-map-keys" in node
    }
    assert keys == {
        ".spec.dataset.columns": ["name"],
        ".spec.rollout.analysis.checks": ["name"],
        ".spec.rollout.hooks": ["name"],
        ".status.conditions": ["type"],
        ".status.rollout.analysis.checks": ["name"],
        ".status.versions": ["number"],
    }


def test_every_rule_has_a_sentence() -> None:
    rules = [rule for node in NODES.values() for rule in node.get("x-kubernetes-validations", [])]
    assert len(rules) > len(NOT_YET_AVAILABLE)
    for rule in rules:
        assert rule["message"].strip(), rule


def test_defaults_of_objects_spell_out_their_parts() -> None:
    assert NODES[".spec.rollout"]["default"] == {
        "strategy": "Canary",
        "steps": [],
        "bake": "5m",
        "progressDeadline": "10m",
        "hooks": [],
    }
    assert NODES[".spec.training"]["default"]["resources"] == {"requests": {}, "limits": {}}
