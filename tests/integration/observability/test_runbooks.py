"""The commands of the runbooks, typed as they stand there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.integration.observability.conftest import Live

pytestmark = pytest.mark.cluster

RUNBOOKS = sorted((Path(__file__).parents[3] / "docs" / "runbooks").glob("Churn*.md"))
ELSEWHERE = re.compile(r"^kubectl (--namespace \S+ )?(logs|top|rollout)\b|--namespace (churn-system|kubeflow)\b")
"""What needs pods, or an installation in a cluster: the devcluster has neither."""
CHANGES = re.compile(r"^kubectl (--namespace \S+ )?(annotate|patch) ")


def commands() -> list[tuple[str, str]]:
    """Page and command, of all that the devcluster can answer."""
    found = []
    for page in RUNBOOKS:
        text = page.read_text()
        blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        lines = [line for block in blocks for line in block.splitlines()]
        lines += [inline.replace("\n", " ") for inline in re.findall(r"`(kubectl [^`]+)`", text)]
        found += [(page.stem, re.sub(r"\s+", " ", line)) for line in lines if line.startswith("kubectl ")]
    return [(page, command) for page, command in found if not ELSEWHERE.search(command)]


@pytest.mark.parametrize(("page", "command"), [pytest.param(*each, id=f"{each[0]}: {each[1]}") for each in commands()])
def test_a_command_is_answered(page: str, command: str, live: Live) -> None:
    kubectl = live.cluster.kubectl
    changes = CHANGES.search(command) is not None
    done = subprocess.run(
        ["bash", "-c", f"{command} --dry-run=server" if changes else command],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={
            "PATH": f"{kubectl.program.parent}:/usr/bin:/bin",
            "HOME": str(kubectl.home),
            "KUBECONFIG": str(kubectl.kubeconfig),
            "NAMESPACE": live.story.namespace,
            "NAME": live.story.name,
        },
    )
    assert done.returncode == 0 or done.stdout.strip() in {"yes", "no"}, done.stderr
    assert done.stdout.strip() or "No resources found" in done.stderr, command


def test_there_are_commands() -> None:
    assert len(commands()) > 20
