"""A user's own pipeline: compiled, uploaded, trained, served; and a broken upload that nobody notices but its owner."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from churn_devcluster.churn_models import Status, condition, settled_on, version
from churn_devcluster.demo.customers import instances
from churn_devcluster.demo.story import Story, predict_url
from churn_devcluster.operator_process import OperatorProcess

pytestmark = pytest.mark.cluster

REPOSITORY = Path(__file__).parents[3]
NAME = "own-pipeline"
SECONDS = 600.0


class Owner:
    """Whoever owns the pipeline and its ChurnModel."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.object = f"pipelines/{story.namespace}.yaml"
        manifest: dict[str, Any] = yaml.safe_load((REPOSITORY / "examples" / "own-pipeline.yaml").read_text())
        manifest["spec"]["training"]["pipeline"]["uri"] = f"s3://{story.cluster.bucket}/{self.object}"
        manifest["spec"]["triggers"]["datasetChange"]["pollInterval"] = "5s"
        manifest["spec"]["rollout"] = {"steps": [{"weight": 100, "bake": "0s"}]}
        self.manifest = manifest

    def upload(self, content: bytes) -> str:
        """Put a package where spec looks for it; its sha256."""
        client = self.story.cluster.object_store.settings.client()
        client.put_object(self.story.cluster.bucket, self.object, io.BytesIO(content), len(content))
        return hashlib.sha256(content).hexdigest()

    def wait(self, wish: Callable[[Status], bool], description: str) -> Status:
        """The status once it is as wished."""
        return self.story.models.wait(NAME, wish, description, SECONDS)

    def wait_for(self, kind: str, reason: str) -> str:
        """The message of the condition, once it has this reason."""
        status = self.wait(lambda seen: condition(seen, kind).get("reason") == reason, f"{kind} to be {reason}")
        return str(condition(status, kind)["message"])

    def predict(self, status: Status) -> Any:
        """What the model in service says of a customer."""
        customer = instances(self.story.customers, limit=1)
        answer = httpx.post(predict_url(status, NAME), json={"instances": customer}, trust_env=False, timeout=60)
        return answer.raise_for_status().json()["predictions"][0]

    def describe(self) -> str:
        """What kubectl shows."""
        return str(self.story.cluster.kubectl("describe", "churnmodel", NAME, f"--namespace={self.story.namespace}"))


@pytest.fixture
def owner(story: Story, start_operator: Callable[..., OperatorProcess]) -> Iterator[Owner]:
    """With customers in S3, and an operator at work; its ChurnModel is suspended afterwards."""
    start_operator()
    story.prepare()
    made = Owner(story)
    yield made
    if story.models.read(NAME) is not None:
        story.models.patch(NAME, {"suspend": True})


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The example, compiled as it says."""
    path = tmp_path_factory.mktemp("package") / "churn.yaml"
    subprocess.run([sys.executable, "examples/own_pipeline.py", path], cwd=REPOSITORY, check=True, timeout=300)
    return path.read_bytes()


def test_a_compiled_pipeline_of_ones_own_is_trained_and_served_and_a_broken_one_is_not(
    owner: Owner, package: bytes
) -> None:
    owner.story.models.apply(owner.manifest)
    assert "there is no object at s3://" in owner.wait_for("Stalled", "PipelineNotFound")

    digest = owner.upload(package)
    status = owner.wait(settled_on(1), "version 1 to serve")
    made = version(status, 1)
    assert (made["pipeline"], made["algorithm"], made["image"]) == (digest, "logisticRegression", "")
    assert made["metrics"]["rocAuc"] > 0.75
    assert condition(status, "PipelineReady")["reason"] == "PipelineAdopted"
    assert 0 <= owner.predict(status)["probability"] <= 1

    owner.upload(b"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nspec: {entrypoint: churn}\n")
    sentence = owner.wait_for("PipelineReady", "PipelineUnreadable")
    assert "is an Argo Workflow, as kfp 1 compiled it: compile the pipeline with kfp 2" in sentence
    status = owner.story.models.status(NAME)
    assert condition(status, "Ready")["status"] == "True"
    assert owner.predict(status)
    assert sentence in " ".join(owner.describe().split())

    digest = owner.upload(package + b"# another content\n")
    status = owner.wait(lambda seen: bool(version(seen, 2)), "version 2 to be trained")
    assert version(status, 2)["pipeline"] == digest
    assert condition(status, "PipelineReady")["status"] == "True"
    assert condition(status, "Stalled")["status"] == "False"
    assert owner.predict(status)
