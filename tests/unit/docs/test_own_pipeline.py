"""docs/how-to/own-pipeline.md shows the example that tests compile and run, and sentences that the code says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import yaml
from churn_operator.adapters.kfp_reading import read_package
from churn_operator.api.v1alpha1 import ChurnModelSpec
from churn_operator.api.v1alpha1.status import PipelineStatus
from churn_operator.core.observation import PipelineInput, PipelinePackage, UnreadablePackage
from churn_operator.core.pipeline_contract import GIVEN, left_out, unsuitable

from tests.unit.docs.test_examples import fences

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "docs" / "how-to" / "own-pipeline.md"
URI = "s3://mlops-data/pipelines/churn.yaml"


def test_the_page_shows_the_example() -> None:
    assert (REPOSITORY / "examples" / "own_pipeline.py").read_text() in fences(PAGE, "python")


def test_the_page_shows_the_manifest() -> None:
    example = yaml.safe_load((REPOSITORY / "examples" / "own-pipeline.yaml").read_text())
    assert example in [yaml.safe_load(text) for text in fences(PAGE, "yaml")]


def test_the_page_names_every_parameter_that_a_run_is_given() -> None:
    (table,) = (part for part in PAGE.read_text().split("\n\n") if part.startswith("| Parameter |"))
    assert all(f"`{name}`" in table for name in GIVEN)


def test_the_sentences_of_a_refusal_are_those_that_are_said() -> None:
    refusals = next(text for text in fences(PAGE, "text") if "Argo" in text)
    shown = [" ".join(paragraph.split()) for paragraph in refusals.strip().split("\n\n")]
    assert shown == list(sentences())


def sentences() -> Iterator[str]:
    """What is said of some packages, in the order of the page."""
    for content in (b"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n", b"root: [1,\nroot: 2\n"):
        found = read_package(content)
        assert isinstance(found, UnreadablePackage)
        yield f"{URI} {found.message}"
    needed = (_input("key"), _input("output_uri"))
    package = PipelinePackage("digest", needed, ("fit",))
    for inputs in ((), (*needed, _input("region")), (*needed, _input("seed"))):
        yield f"{URI} {unsuitable(replace(package, inputs=inputs))}"
    pipeline = PipelineStatus(
        digest="digest", fingerprint="f", inputs=("key", "output_uri"), steps=("fit",), adopted=datetime.now(UTC)
    )
    for training in ({"hyperparameters": {"C": 0.5}}, {"resources": {"limits": {"memory": "4Gi"}}}):
        content_of_spec = {
            "dataset": {"uri": "s3://mlops-data/a.csv"},
            "training": {**training, "pipeline": {"uri": URI}},
        }
        yield str(left_out(ChurnModelSpec.model_validate(content_of_spec), pipeline))


def _input(name: str) -> PipelineInput:
    return PipelineInput(name, "STRING", required=True)
