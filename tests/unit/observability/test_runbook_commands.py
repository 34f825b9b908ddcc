"""What runbooks tell people to ask, against the role and the log lines of the operator. That commands are answered at
all is seen in tests/integration/observability; a question that is always answered with no would pass there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).parents[3]
RUNBOOKS = sorted((REPOSITORY / "docs" / "runbooks").glob("*.md"))
OPERATOR = "--as=system:serviceaccount:churn-system:churn-operator"
CAN_I = re.compile(rf"kubectl auth can-i (\w+) ([\w-]+)\.([\w.]+)(?: --subresource=(\w+))?[^`\n]* {OPERATOR}")
SOUGHT = re.compile(r"\| grep (?:-\w+ )?('[^']+'|\w+)")


def asked_of_the_role() -> list[tuple[str, str, str]]:
    """Verb, API group and resource of each `kubectl auth can-i`."""
    found = [match.groups() for page in RUNBOOKS for match in CAN_I.finditer(page.read_text())]
    return [(verb, group, f"{plural}/{part}" if part else plural) for verb, plural, group, part in found]


def sought_in_the_log() -> list[str]:
    """Each alternative of what is searched for in the operator's log."""
    patterns = [match[1].strip("'") for page in RUNBOOKS for match in SOUGHT.finditer(page.read_text())]
    groups = [re.fullmatch(r"(.*)\((.+)\)(.*)", pattern) for pattern in patterns]
    spelt = [
        ([f"{group[1]}{each}{group[3]}" for each in group[2].split("|")] if group is not None else pattern.split("|"))
        for pattern, group in zip(patterns, groups, strict=True)
    ]
    return sorted({each for alternatives in spelt for each in alternatives})


def test_a_role_that_is_as_it_should_be_answers_yes() -> None:
    roles = yaml.safe_load_all((REPOSITORY / "deploy" / "operator" / "role.yaml").read_text())
    granted = {
        (verb, group, resource)
        for role in roles
        for rule in role.get("rules", ())
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    asked = asked_of_the_role()
    assert len(asked) >= 2
    assert [each for each in asked if each not in granted] == []


@pytest.mark.parametrize("words", sought_in_the_log())
def test_what_is_sought_in_the_log_is_what_the_operator_may_log(words: str) -> None:
    sources = (REPOSITORY / "operator" / "churn_operator").rglob("*.py")
    assert any(words.lower() in source.read_text().lower() for source in sources)
