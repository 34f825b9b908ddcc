"""Lint finds every mistake of the API's tables and lets everything good pass, with files, lines and exit codes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from churnctl.__main__ import run
from churnctl.lint.definition import read_definition
from churnctl.lint.manifest import check_manifest

from tests.integration.api.accepted import GOOD
from tests.integration.api.refused import BAD, Bad
from tests.integration.api.specs import MINIMAL, changed

pytestmark = pytest.mark.unit

DEFINITION = read_definition()
REPOSITORY = Path(__file__).parents[3]


def sentences(spec: Any, name: str = "churn") -> list[str]:
    content = {"apiVersion": "churnops.dev/v1alpha1", "kind": "ChurnModel", "metadata": {"name": name}, "spec": spec}
    return [finding.sentence for finding in check_manifest(content, DEFINITION)]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.mistake)
def test_a_mistake_is_found(bad: Bad) -> None:
    said = "; ".join(sentences(changed(bad.spec)))
    for fragment in bad.said:
        assert fragment in said
    assert "could not be evaluated" not in said


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_a_good_spec_passes(text: str) -> None:
    assert sentences(changed(text)) == []


def test_the_examples_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "-f", str(REPOSITORY / "examples")]) == 0
    assert "nothing to correct" in capsys.readouterr().err


def test_a_mistake_has_its_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "churnmodel.yaml"
    text = (REPOSITORY / "examples" / "customer-churn-model.yaml").read_text().replace("weight: 50", "weight: 5")
    file.write_text(text)
    line = text.splitlines().index("    steps:") + 1
    assert run(["lint", "-f", str(file)]) == 1
    said = capsys.readouterr()
    assert said.out == (
        f"{file}:{line}: spec.rollout.steps: Invalid value: weights of steps must ascend, e.g. 10, 50, 100\n"
    )


def test_several_documents_lists_and_other_kinds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def model(name: str, **spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "churnops.dev/v1alpha1",
            "kind": "ChurnModel",
            "metadata": {"name": name},
            "spec": {**MINIMAL, **spec},
        }

    file = tmp_path / "all.yaml"
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [model("good"), model("bad", rollbackTo=0), service]}
    file.write_text(yaml.safe_dump_all([service, model("wrong", suspend="no"), listed], sort_keys=False))
    assert run(["lint", "-f", str(file), "-o", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["field"]) for each in found] == [("wrong", "spec.suspend"), ("bad", "spec.rollbackTo")]
    assert [file.read_text().splitlines()[each["line"] - 1].strip() for each in found] == [
        "suspend: 'no'",
        "rollbackTo: 0",
    ]
    assert run(["lint", "-f", str(file)]) == 1
    assert "2 mistakes in 3 ChurnModels. 2 of another kind skipped." in capsys.readouterr().err


def test_a_pasted_status_and_another_version_of_the_api(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "m.json"
    content = {"apiVersion": "churnops.dev/v1alpha1", "kind": "ChurnModel", "metadata": {"name": "c"}, "spec": MINIMAL}
    file.write_text(json.dumps({**content, "status": {"phase": "Nonsense"}}))
    assert run(["lint", "-f", str(file)]) == 0
    file.write_text(json.dumps({**content, "apiVersion": "churnops.dev/v1"}))
    capsys.readouterr()
    assert run(["lint", "-f", str(file)]) == 1
    assert 'no matches for kind "ChurnModel" in version "churnops.dev/v1"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Churn", "a lowercase RFC 1123 subdomain"),
        ("churn.v2", "without dots"),
        ("c" * 41, "at most 40 characters"),
        ("", "name or generateName is required"),
    ],
)
def test_a_name_that_cannot_be(name: str, said: str) -> None:
    assert said in "; ".join(sentences(MINIMAL, name))


def test_what_cannot_be_read_is_a_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "-f", str(tmp_path / "absent.yaml")]) == 2
    assert "cannot be read: No such file or directory" in capsys.readouterr().err
    assert run(["lint", "-f", str(REPOSITORY / "examples"), "--definition", str(REPOSITORY / "pyproject.toml")]) == 2
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    assert run(["lint", "-f", str(tmp_path / "broken.yaml")]) == 1
    assert "this is no YAML" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (b"a: \xff\n", 2, "stdin cannot be read: it is not UTF-8"),
        (b"a: &a [*a]\n", 1, "stdin:1: this is no YAML: it is nested too deeply, or in itself"),
        (b"[" * 50_000, 1, "this is no YAML"),
        (b"a: \x07\n", 1, "this is no YAML"),
    ],
)
def test_a_hostile_stdin_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes, code: int, said: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert run(["lint", "-f", "-"]) == code
    everything = capsys.readouterr()
    assert said in everything.out + everything.err


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, ".inf", ".nan", "-0x" + "f" * 500])
@pytest.mark.parametrize("field", ["rollout: {steps: [{weight: %s}]}", "evaluation: {minimums: {rocAuc: %s}}"])
def test_a_number_beyond_all_bounds_is_a_mistake_and_no_defect(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], number: str, field: str
) -> None:
    file = tmp_path / "m.yaml"
    head = "apiVersion: churnops.dev/v1alpha1\nkind: ChurnModel\nmetadata: {name: m}\nspec:\n"
    file.write_text(f"{head}  dataset: {{uri: s3://data/c.csv}}\n  {field % number}\n")
    assert run(["lint", "-f", str(file)]) == 1
    assert "m.yaml:6: " in capsys.readouterr().out


def test_every_rule_of_the_definition_can_be_evaluated() -> None:
    """A rule that cel-python cannot compile would only be noticed by whoever breaks it."""
    from churnctl.lint.expressions import _program

    def rules(schema: dict[str, Any]) -> list[str]:
        mine = schema.get("x-kubernetes-validations", [])
        texts = [rule[key] for rule in mine for key in ("rule", "messageExpression") if key in rule]
        below = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
        return texts + [rule for each in below if isinstance(each, dict) for rule in rules(each)]

    found = rules(dict(DEFINITION.schema))
    assert len(found) > 80
    for rule in found:
        assert _program(rule) is not None
