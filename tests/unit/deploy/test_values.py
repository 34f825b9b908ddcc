"""The chart's values against their schema, and the schema against the operator's settings."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from churn_operator.settings import Settings
from churn_webapp.settings import Settings as WebappSettings

REPOSITORY = Path(__file__).parents[3]
CHART = REPOSITORY / "deploy" / "helm" / "churn-operator"
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())

_BY_OTHER_VALUES = {
    "trainer_image", "runtime", "namespaces", "pipelines_token_path", "leader_election", "lease_name",
    "lease_namespace", "metrics_port", "health_port", "bind_address",
}  # fmt: skip
"""Settings that the chart makes of other values, or that its pod leaves as they are."""


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def described(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}".lstrip("."), child
        yield from described(child, f"{path}.{name}")


def with_value(path: str, value: Any) -> dict[str, Any]:
    """The default values with one of them set, as `--set-json path=value` would."""
    values = copy.deepcopy(VALUES)
    *parents, last = path.split(".")
    place = values
    for name in parents:
        place = place[name]
    place[last] = value
    return values


def refusals(values: dict[str, Any]) -> list[str]:
    return [".".join(map(str, error.path)) for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(values)]


def test_the_schema_is_one_and_takes_the_defaults() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert refusals(VALUES) == []


def test_every_value_is_described_in_a_sentence() -> None:
    found = dict(described(SCHEMA))
    assert len(found) > 60
    for path, schema in found.items():
        assert schema.get("description", "").endswith("."), path


def test_every_default_has_a_place_in_the_schema() -> None:
    def paths(values: dict[str, Any], schema: dict[str, Any], path: str = "") -> Iterator[str]:
        for name, value in values.items():
            if "properties" not in schema:
                return
            child = schema["properties"].get(name)
            if child is None:
                yield f"{path}.{name}"
            elif isinstance(value, dict):
                yield from paths(value, child, f"{path}.{name}")

    assert list(paths(VALUES, SCHEMA)) == []


def test_every_setting_of_the_operator_can_be_set_and_nothing_else() -> None:
    settable = set(SCHEMA["properties"]["settings"]["properties"])
    known = {setting.name for setting in fields(Settings)}
    assert known >= _BY_OTHER_VALUES
    assert settable == {camel(name) for name in known - _BY_OTHER_VALUES}


def test_the_defaults_are_the_operators_own_except_where_an_empty_one_is_shown() -> None:
    defaults = {camel(setting.name): setting.default for setting in fields(Settings)}
    for name, value in VALUES["settings"].items():
        assert value == defaults[name], name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("replicas", -1),
        ("replicas", "two"),
        ("replicas", 1.5),
        ("watchNamespaces", ["Team A"]),
        ("watchNamespaces", ["a", "a"]),
        ("image.digest", "sha256:short"),
        ("image.tag", "a tag"),
        ("image.repository", ""),
        ("image.repository", "Registry/Name"),
        ("image.pullPolicy", "Sometimes"),
        ("settings.artifactRoot", "mlops/churn"),
        ("settings.artifactRoot", "gs://mlops/churn"),
        ("settings.s3Endpoint", "minio:9000"),
        ("settings.pipelinesEndpoint", ""),
        ("settings.trafficDriver", "istio"),
        ("settings.workers", 0),
        ("settings.resyncSeconds", 0),
        ("settings.logLevel", "trace"),
        ("settings.artefactRoot", "s3://mlops/churn"),
        ("artifactStore.existingSecret", "Has Spaces"),
        ("pipelinesToken.expirationSeconds", 60),
        ("networkPolicy.egress.pipelines.ports", []),
        ("networkPolicy.egress.pipelines.ports", [70000]),
        ("serviceMonitor.interval", "30"),
        ("podDisruptionBudget.maxUnavailable", "half"),
        ("crds.install", "yes"),
        ("webapp.ingress", {"enabled": True, "host": ""}),
        ("webapp.ingress", {"enabled": True, "host": "https://churn.example.com"}),
        ("webapp.httpRoute", {"enabled": True, "host": "churn.example.com", "parentRefs": []}),
        ("webapp.httpRoute", {"enabled": True, "host": "churn.example.com", "parentRefs": [{"namespace": "web"}]}),
        ("replicaCount", 2),
        ("resources", {"limit": {"memory": "1Gi"}}),
        ("servingRuntime.resources", {"request": {"cpu": "1"}}),
        ("webapp.resources", {"limit": {"memory": "1Gi"}}),
        ("podSecurityContext", {"runAsNonRoot": True, "runAsUsr": 1000}),
        ("affinity", {"nodeAffinty": {}}),
        ("tolerations", [{"keys": "dedicated"}]),
        ("topologySpreadConstraints", [{"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone"}]),
        ("topologySpreadConstraints", [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfyable": "ScheduleAnyway"}]),
        ("extraEnv", [{"name": "HTTPS_PROXY", "valuesFrom": {}}]),
        ("networkPolicy.metricsFrom", [{"namespaceSelectors": {}}]),
        ("networkPolicy.egress.pipelines.to", [{"ipBlocks": {}}]),
        ("servingRuntime.imagePullSecrets", ["registry"]),
        ("extraLabels", {"app.kubernetes.io/name": "mine"}),
        ("podLabels", {"app.kubernetes.io/component": "webapp"}),
        ("podAnnotations", {"checksum/settings": "none"}),
    ],
)
def test_a_wrong_value_is_refused_where_it_stands(path: str, value: Any) -> None:
    parent = path.rpartition(".")[0]
    refused = refusals(with_value(path, value))
    assert any(each in (path, parent) or each.startswith(f"{path}.") for each in refused)


def test_named_namespaces_need_a_named_driver() -> None:
    values = with_value("watchNamespaces", ["team-a"])
    assert refusals(values) == ["settings.trafficDriver"]
    values["settings"]["trafficDriver"] = "gateway"
    assert refusals(values) == []


DOCUMENTS = sorted([REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md"), *CHART.glob("*.md")])


def examples_of_values(document: Path) -> Iterator[dict[str, Any]]:
    """Values in fences of YAML, and in what is handed to `helm … --values -`."""
    text = document.read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    blocks += re.findall(r"--values - <<'END'\n(.*?)^END$", text, re.MULTILINE | re.DOTALL)
    for block in blocks:
        for found in yaml.safe_load_all(block.replace("…", "x")):
            if isinstance(found, dict) and found and found.keys() <= SCHEMA["properties"].keys():
                yield found


def merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """As Helm puts values over the chart's own."""
    result = dict(values)
    for name, value in more.items():
        below = result.get(name)
        result[name] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def test_every_example_of_values_is_one_that_the_chart_takes() -> None:
    found = [(document.name, values) for document in DOCUMENTS for values in examples_of_values(document)]
    assert len(found) >= 3
    assert [(name, refused) for name, values in found if (refused := refusals(merged(VALUES, values)))] == []


def test_every_value_that_a_document_names_is_there() -> None:
    named = {
        (document.name, path)
        for document in DOCUMENTS
        for path in re.findall(r"[`{ ]([a-z]\w*(?:\.[a-z]\w*)+)(?:=[^`]*)?[`:]", document.read_text())
        if path.partition(".")[0] in SCHEMA["properties"]
    }
    assert len(named) > 20
    known = {path for path, _ in described(SCHEMA)}
    assert {(name, path) for name, path in named if path not in known} == set()


def test_every_setting_of_the_web_app_is_one_that_it_reads() -> None:
    settable = set(SCHEMA["properties"]["webapp"]["properties"]["settings"]["properties"])
    assert settable <= {camel(setting.name) for setting in fields(WebappSettings)}
