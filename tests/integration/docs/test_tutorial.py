"""docs/tutorial.md does what it says, on the real parts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.integration.docs.shell import Shell
from tests.integration.docs.tutorial import Step, matches, steps

pytestmark = pytest.mark.cluster

PAGE = Path(__file__).parents[3] / "docs" / "tutorial.md"
SECONDS = 600.0
EVENT_SECONDS = 60.0
LEAST_STEPS = 14


def test_every_command_prints_what_the_page_says(shell: Shell) -> None:
    done = 0
    for step in steps(PAGE.read_text()):
        printed, code = shell.run(step.commands, SECONDS)
        deadline = time.monotonic() + EVENT_SECONDS
        # Events are posted behind the status that tells of the same.
        late = step.commands.startswith("kubectl get events")
        while late and not _as_said(step, printed, code) and time.monotonic() < deadline:
            printed, code = shell.run(step.commands, SECONDS)
        story = f"{step.commands}\nended with {code} and printed\n\n{printed}\n\nwhere the page says\n\n{step.prints}"
        assert _as_said(step, printed, code), story
        done += 1
    assert done >= LEAST_STEPS


def _as_said(step: Step, printed: str, code: int) -> bool:
    return code == step.code and (step.prints is None or matches(step.prints, printed))
