"""What a person sees of ChurnModels through kubectl."""

from __future__ import annotations

import re
import subprocess

import pytest
from churn_operator.api.reading import write_status

from tests.integration.api.conftest import REPOSITORY, ChurnModels, Kubectl
from tests.integration.api.specs import MINIMAL
from tests.unit.api.statuses import FULL

pytestmark = pytest.mark.cluster


def _table(text: str) -> dict[str, str]:
    """The only row of a kubectl table, by its columns' names, which are two blanks apart."""
    header, row = text.rstrip().splitlines()
    starts = [match.start() for match in re.finditer(r"(?<=\s{3})\S|^\S", header)]
    ends = [*starts[1:], None]
    return {header[start:end].strip(): row[start:end].strip() for start, end in zip(starts, ends, strict=True)}


@pytest.fixture
def served(churnmodels: ChurnModels) -> ChurnModels:
    churnmodels.apply(MINIMAL)
    churnmodels.apply_status(write_status(FULL))
    return churnmodels


def test_one_line_tells_the_story(kubectl: Kubectl, served: ChurnModels) -> None:
    row = _table(kubectl("get", "churnmodels", namespace=served.namespace))
    age = row.pop("AGE")
    assert re.fullmatch(r"\d+[sm]", age)
    assert row == {
        "NAME": "churn",
        "PHASE": "RollingOut",
        "STABLE": "1",
        "CANDIDATE": "2",
        "TRAFFIC": "v1 50%, v2 50%",
        "ROC AUC": "0.845",
        "READY": "True",
    }


def test_a_wide_line_adds_run_drift_next_run_and_address(kubectl: Kubectl, served: ChurnModels) -> None:
    row = _table(kubectl("get", "churnmodels", "-o", "wide", namespace=served.namespace))
    assert list(row)[-4:] == ["RUN", "DRIFT", "NEXT RUN", "URL"]
    assert row["RUN"] == "churn-2222222222-1"
    assert row["DRIFT"] == "None"
    assert row["NEXT RUN"] == "2026-03-01T22:00:00Z"
    assert row["URL"] == "http://churn.team.example.com"


def test_a_new_object_is_pending(kubectl: Kubectl, churnmodels: ChurnModels) -> None:
    churnmodels.apply(MINIMAL)
    row = _table(kubectl("get", "churnmodels", namespace=churnmodels.namespace))
    assert row["NAME"] == "churn"
    assert row["PHASE"] == "Pending"
    assert row["STABLE"] == row["READY"] == ""


@pytest.mark.parametrize("word", ["churnmodels", "churnmodel", "chm", "mlops", "churnmodels.v1alpha1.churnops.dev"])
def test_it_answers_to_its_names_and_category(kubectl: Kubectl, served: ChurnModels, word: str) -> None:
    assert kubectl("get", word, "-o", "name", namespace=served.namespace) == "churnmodel.churnops.dev/churn\n"


def test_explain_reads_like_documentation(kubectl: Kubectl, definition: str) -> None:
    text = " ".join(kubectl("explain", "churnmodel.spec.rollout.steps").split())
    assert "Steps of a canary, weights ascending." in text
    assert "weight <integer> -required- Percent of traffic for the candidate" in text
    assert "bake <string> How long the step lasts once its weight is in effect" in text


@pytest.mark.parametrize("path", ["spec", "spec.dataset.columns", "spec.training", "status", "status.versions"])
def test_explain_leaves_no_field_without_a_description(kubectl: Kubectl, definition: str, path: str) -> None:
    text = kubectl("explain", f"churnmodel.{path}")
    assert "<no description>" not in text
    assert "FIELDS:" in text


def test_kubectl_apply_prints_the_sentence_and_not_a_pattern(kubectl: Kubectl, definition: str, namespace: str) -> None:
    example = (REPOSITORY / "examples" / "minimal.yaml").read_text(encoding="utf-8")
    mistaken = example.replace("s3://mlops-data/telco-customer-churn.csv", "telco-customer-churn.csv")
    with pytest.raises(subprocess.CalledProcessError) as refused:
        kubectl("apply", "-f", "-", stdin=mistaken, namespace=namespace)
    assert "must be s3://bucket/key with the bucket in lower case" in refused.value.stderr
    assert "^" not in refused.value.stderr
