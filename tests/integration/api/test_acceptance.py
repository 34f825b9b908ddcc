"""Good specs are accepted, completed with the defaults of the models, and read back by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_operator.api.reading import read_spec
from churn_operator.api.v1alpha1 import ChurnModelSpec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.api.accepted import GOOD
from tests.integration.api.conftest import REPOSITORY, ChurnModels, Kubectl
from tests.integration.api.specs import MINIMAL, changed

pytestmark = pytest.mark.cluster

EXAMPLES = sorted((REPOSITORY / "examples").glob("*.yaml"))


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_good_spec_is_accepted_and_read(churnmodels: ChurnModels, text: str) -> None:
    spec = changed(text)
    stored = churnmodels.create(spec)["spec"]
    assert read_spec(stored) == read_spec(spec)


def test_the_longest_name_is_accepted(churnmodels: ChurnModels) -> None:
    assert churnmodels.create(MINIMAL, "c" * 40)["metadata"]["name"] == "c" * 40


def test_the_same_spec_again_is_no_new_generation(churnmodels: ChurnModels) -> None:
    churnmodels.apply(MINIMAL)
    # The second apply stores the status by default, which a creation cannot have.
    first = churnmodels.apply(MINIMAL)
    again = churnmodels.apply(MINIMAL)
    assert again["metadata"]["generation"] == 1
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_a_minimal_spec_gets_every_default(churnmodels: ChurnModels) -> None:
    stored = churnmodels.create(MINIMAL)["spec"]
    assert stored == _completed_by_pydantic(MINIMAL)
    assert stored["rollout"]["steps"] == []
    status = churnmodels.apply(MINIMAL)["status"]
    assert (status["observedGeneration"], status["phase"], status["conditions"]) == (0, "Pending", [])


def _completed_by_pydantic(spec: dict[str, Any]) -> dict[str, Any]:
    completed = ChurnModelSpec.model_validate(spec).model_dump(mode="json", by_alias=True, exclude_none=True)
    if not completed["training"]["hyperparameters"]:
        # The schema has no default for them: see churn_operator.api.crd.structural.
        del completed["training"]["hyperparameters"]
    return completed


DURATIONS = st.sampled_from(["30s", "10m", "1h30m"])
COLUMN = st.fixed_dictionaries(
    {"name": st.text("abcdef_ ", min_size=1, max_size=8), "kind": st.just("number")},
    optional={"minimum": st.integers(-9, 0), "maximum": st.floats(1, 9), "nullable": st.booleans()},
)
AMOUNTS = st.fixed_dictionaries({}, optional={"cpu": st.just("500m"), "memory": st.just("1Gi")})
RESOURCES = st.fixed_dictionaries({}, optional={"requests": AMOUNTS, "limits": AMOUNTS})
WEIGHTS = st.sets(st.integers(1, 100), max_size=5).map(sorted)
SPECS = st.fixed_dictionaries(
    {
        "dataset": st.fixed_dictionaries(
            {"uri": st.just("s3://mlops-data/customers.csv")},
            optional={
                "format": st.sampled_from(["auto", "csv"]),
                "target": st.just("left"),
                "columns": st.lists(COLUMN, max_size=3, unique_by=lambda column: column["name"]),
            },
        )
    },
    optional={
        "training": st.fixed_dictionaries(
            {"algorithm": st.sampled_from(["logisticRegression", "randomForest"])},
            optional={
                "hyperparameters": st.dictionaries(
                    st.text("abc", min_size=1), st.integers(-9, 9) | st.booleans() | st.text("xyz"), min_size=1
                ),
                "seed": st.integers(0, 2**31 - 1),
                "resources": RESOURCES,
                "timeout": DURATIONS,
                "pipelines": st.fixed_dictionaries({}, optional={"namespace": st.just("team")}),
                "pipeline": st.just({"uri": "s3://mlops-data/pipelines/churn.yaml"}),
            },
        ),
        "triggers": st.fixed_dictionaries(
            {},
            optional={
                "datasetChange": st.fixed_dictionaries(
                    {}, optional={"enabled": st.booleans(), "pollInterval": DURATIONS}
                )
            },
        ),
        "evaluation": st.fixed_dictionaries(
            {},
            optional={"minimums": st.dictionaries(st.sampled_from(["rocAuc", "f1", "recall"]), st.floats(0, 1))},
        ),
        "serving": st.fixed_dictionaries(
            {}, optional={"minReplicas": st.integers(0, 3), "maxReplicas": st.integers(3, 9), "resources": RESOURCES}
        ),
        "rollout": st.fixed_dictionaries(
            {},
            optional={
                "steps": WEIGHTS.map(lambda weights: [{"weight": weight} for weight in weights]),
                "progressDeadline": DURATIONS,
            },
        ),
        "history": st.fixed_dictionaries({}, optional={"limit": st.integers(2, 100)}),
        "rollbackTo": st.integers(1, 1000),
        "suspend": st.booleans(),
        "deletionPolicy": st.sampled_from(["Delete", "Retain"]),
    },
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spec=SPECS)
def test_the_api_server_and_the_models_complete_any_spec_alike(churnmodels: ChurnModels, spec: dict[str, Any]) -> None:
    assert churnmodels.create(spec, dry_run=True)["spec"] == _completed_by_pydantic(spec)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_applied_by_kubectl_and_read(
    kubectl: Kubectl, definition: str, namespace: str, example: Path
) -> None:
    assert "created" in kubectl("apply", "-f", str(example), namespace=namespace)
    kubectl("apply", "-f", str(example), namespace=namespace)
    written = yaml.safe_load(example.read_text(encoding="utf-8"))
    stored = yaml.safe_load(
        kubectl("get", "churnmodel", written["metadata"]["name"], "-o", "yaml", namespace=namespace)
    )
    assert read_spec(stored["spec"]) == read_spec(written["spec"])
    assert stored["metadata"]["generation"] == 1, "the same file again must change nothing"


def test_the_examples_are_those_the_documentation_names() -> None:
    names = {example.name for example in EXAMPLES}
    assert names >= {"customer-churn-model.yaml", "minimal.yaml", "full.yaml", "custom-columns.yaml"}
