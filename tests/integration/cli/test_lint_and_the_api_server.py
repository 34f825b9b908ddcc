"""Lint and the real API server say the same of the same manifest, word for word."""

from __future__ import annotations

import json
from typing import Any

import kubernetes
import pytest
from churnctl.lint.definition import read_definition
from churnctl.lint.documents import documents
from churnctl.lint.manifest import NOT_ALL_CHECKED, check_manifest

from tests.integration.api.accepted import GOOD
from tests.integration.api.conftest import ChurnModels, Kubectl
from tests.integration.api.refused import BAD
from tests.integration.api.specs import MINIMAL, changed

pytestmark = pytest.mark.cluster

DEFINITION = read_definition()
_STRICT = "strict decoding error: "
# Said beside a sentence about the same field, and about no field.
_ECHOES = (NOT_ALL_CHECKED, "Checked value must be of type integer")
_URI = {"uri": "s3://mlops-data/c.csv"}

MORE: dict[str, Any] = {
    "no dataset": {},
    "no uri": {"dataset": {}},
    "a null": {"dataset": None},
    "nulls where there are defaults": {"dataset": _URI, "serving": None, "rollout": {"steps": None}},
    "a null in a list": {"dataset": {**_URI, "columns": [None]}},
    "a null in a map": {"dataset": _URI, "evaluation": {"minimums": {"rocAuc": None}}},
    "a text for a spec": "abc",
    "no spec": None,
    "several at once": {
        "dataset": {
            "uri": 5,
            "format": "xlsx",
            "columns": [{"name": "a"}, {"name": "a", "kind": "number", "minimum": "3"}],
        },
        "training": {"seed": -1},
    },
    "a whole number with a fraction of zero": {"dataset": _URI, "history": {"limit": 3.0}},
    "a fraction for a whole number": {"dataset": _URI, "history": {"limit": 2.5}},
    "too long": {"dataset": {"uri": "s3://bucket/" + "x" * 1100, "target": "t" * 129}},
    "too many hyperparameters": {
        "dataset": _URI,
        "training": {"algorithm": "randomForest", "hyperparameters": {f"p{place}": 1 for place in range(51)}},
    },
    "too many categories": {
        "dataset": {**_URI, "columns": [{"name": "a", "kind": "category", "categories": [str(n) for n in range(201)]}]}
    },
    "a bound of a fraction": {"dataset": _URI, "evaluation": {"champion": {"margin": 1.5}}},
    "hyperparameters that are there and empty": {"dataset": _URI, "training": {"hyperparameters": {}}},
    "letters beyond ASCII": {"dataset": {"uri": "s3://Bücket/ä"}},
    "a request above its limit in other units": {
        "dataset": _URI,
        "serving": {"resources": {"requests": {"cpu": "1500m", "memory": "1Gi"}, "limits": {"cpu": 1, "memory": "1G"}}},
    },
}


def of_the_api_server(churnmodels: ChurnModels, spec: Any, name: str = "churn") -> set[str]:
    """What it says, one sentence a mistake."""
    try:
        churnmodels.create(spec, name, dry_run=True)
    except kubernetes.client.ApiException as refusal:
        status = json.loads(refusal.body)
        causes = status.get("details", {}).get("causes")
        if causes is None:
            return set(status["message"].partition(_STRICT)[2].split(", "))
        said = {f"{cause['field']}: {cause['message']}" for cause in causes}
        return {sentence for sentence in said if not any(echo in sentence for echo in _ECHOES)}
    return set()


def of_lint(spec: Any, name: str = "churn") -> tuple[set[str], set[str]]:
    """What lint says of fields that do not exist, and of everything else."""
    metadata = {"name": name}
    content = {"apiVersion": DEFINITION.api_version, "kind": DEFINITION.kind, "metadata": metadata, "spec": spec}
    found = check_manifest(content, DEFINITION)
    return (
        {finding.sentence for finding in found if finding.unknown},
        {finding.sentence for finding in found if not finding.unknown},
    )


def test_every_mistake_is_refused_in_the_same_words(churnmodels: ChurnModels) -> None:
    specs = {bad.mistake: changed(bad.spec) for bad in BAD} | MORE
    different = {}
    for mistake, spec in specs.items():
        unknown, others = of_lint(spec)
        server = of_the_api_server(churnmodels, spec)
        # An unknown field is all that the API server tells before it is corrected; lint tells the rest, too.
        mine = unknown or others
        if mine != server:
            different[mistake] = {"lint alone": mine - server, "API server alone": server - mine}
    assert different == {}


def test_every_good_spec_passes_both(churnmodels: ChurnModels) -> None:
    for text in GOOD.values():
        spec = changed(text)
        assert of_the_api_server(churnmodels, spec) == set()
        assert of_lint(spec) == (set(), set())


@pytest.mark.parametrize("name", ["Churn", "churn.v2", "c" * 41, "c" * 254, "-x", "", "c" * 40])
def test_names_are_judged_alike(churnmodels: ChurnModels, name: str) -> None:
    assert of_lint(MINIMAL, name)[1] == of_the_api_server(churnmodels, MINIMAL, name)


SCALARS = [
    "yes", "No", "on", "y", "n", "true", "~", "null", "", "12", "-7", "010", "0o17", "0x1F", "1_000", "1.5", "1e3",
    ".5", "1.", "2026-03-01", "2026-03-01T12:00:00Z", "1:30", "90s", "10%", "s3://b/k", "1.2.3", "'yes'", '"12"', "v1",
    "08", "+5", "0b11", "12e03", "=", "1,000",
]  # fmt: skip


def test_scalars_are_read_as_kubectl_reads_them(kubectl: Kubectl, definition: str) -> None:
    """In the annotations of a ConfigMap's data, kubectl prints what it makes of each."""
    lines = "".join(f"  - {scalar}\n" for scalar in SCALARS)
    text = f"apiVersion: churnops.dev/v1alpha1\nkind: ChurnModel\nmetadata: {{name: x}}\nspec:\n{lines}"
    printed = json.loads(
        kubectl("create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-", stdin=text)
    )["spec"]
    (document,) = documents(text)
    mine = document.content["spec"]
    assert [(scalar, one) for scalar, one in zip(SCALARS, mine, strict=True)] == list(
        zip(SCALARS, printed, strict=True)
    )
    assert [type(one) for one in mine if not isinstance(one, float)] == [
        type(one) for one, of_mine in zip(printed, mine, strict=True) if not isinstance(of_mine, float)
    ]
