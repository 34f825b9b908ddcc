"""docs/conditions.md against the code: every reason that can be set is documented, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from churn_operator.adapters import kfp_errors, kubernetes_api, s3
from churn_operator.adapters.kserve import serving
from churn_operator.api.conditions import ConditionType
from churn_operator.core.observation import RunState

REPOSITORY = Path(__file__).parents[3]
OPERATOR, TRAINER = REPOSITORY / "operator" / "churn_operator", REPOSITORY / "trainer" / "churn_trainer"
REASON = re.compile(r"[A-Z][a-z]+(?:[A-Z][A-Za-z]*)*")

_REFUSALS = {"DataRejected", "SpecRejected", "RunRejected", "reject"}
"""What the trainer calls to refuse its input; the first argument is the reason."""

_SOURCES = (kfp_errors.SOURCE, kubernetes_api.SOURCE, s3.SOURCE, serving.SOURCE)

_NOT_SAID = {
    f"{serving.SOURCE}Unavailable",
}
"""Sources times kinds that no adapter raises: KServe is reached through the API server."""


def documented() -> set[str]:
    """Reasons in the first column of the tables."""
    return set(re.findall(r"^\| `(\w+)` \|", (REPOSITORY / "docs" / "conditions.md").read_text(), re.MULTILINE))


def reasons_of_core() -> set[str]:
    """CamelCase texts in the functions of what `decide` imports, but for those that something is compared with."""
    return {text for name in _reached_from("decide", set()) for text in _texts(_module(name))}


def _module(name: str) -> ast.Module:
    path = OPERATOR.joinpath("core", *name.split("."))
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


def _reached_from(name: str, seen: set[str]) -> set[str]:
    """Modules of the core, by their names below it, that the module leads to."""
    seen.add(name)
    for node in ast.walk(_module(name)):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        package, _, below = node.module.partition("churn_operator.core")
        if package == "" and node.module.startswith("churn_operator.core"):
            found = [below.removeprefix(".")] if below else [alias.name for alias in node.names]
            for each in found:
                if each not in seen:
                    _reached_from(each, seen)
    return seen


def _texts(module: ast.Module) -> Iterator[str]:
    aside = {
        id(part)
        for node in ast.walk(module)
        if isinstance(node, ast.Compare | ast.JoinedStr)
        for part in ast.walk(node)
    }
    for function in ast.walk(module):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Constant) and id(node) not in aside and _is_reason(node.value):
                    yield str(node.value)


def _is_reason(value: object) -> bool:
    return isinstance(value, str) and REASON.fullmatch(value) is not None


def reasons_of_trainer() -> set[str]:
    """First arguments of the trainer's refusals."""
    return {reason for file in sorted(TRAINER.rglob("*.py")) for reason in _refusals(ast.parse(file.read_text()))}


def _refusals(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _name(node.func) in _REFUSALS and node.args:
            reason = node.args[0]
            if isinstance(reason, ast.Constant) and isinstance(reason.value, str):
                yield reason.value


def _name(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def reasons_made_of_parts() -> set[str]:
    """Reasons that the code puts together: the end of a run, and a source that was not seen."""
    ended = {f"Run{state.value}" for state in (RunState.FAILED, RunState.CANCELED)}
    unseen = {f"{source}{kind}" for source in _SOURCES for kind in ("Unavailable", "Rejected")}
    return ended | (unseen - _NOT_SAID) | {"DeadlineExceeded", "ReportUnreadable"}


def test_every_reason_is_documented_and_no_other() -> None:
    said = reasons_of_core() | reasons_of_trainer() | reasons_made_of_parts()
    assert documented() - said == set(), "documented, but never said"
    assert said - documented() == set(), "said, but not documented"


def test_the_reasons_that_are_put_together_are_still_put_together_so() -> None:
    """Where a reason is no constant, `reasons_made_of_parts` repeats the code: this pins what it repeats."""
    observe = (OPERATOR / "reconcile" / "observe.py").read_text()
    for part in (
        'f"{error.source}Rejected"',
        'f"{error.source}Unavailable"',
        '"DeadlineExceeded"',
        '"ReportUnreadable"',
    ):
        assert part in observe
    assert 'f"Run{run.state.value}"' in (OPERATOR / "core" / "train.py").read_text()


def test_every_condition_has_a_section() -> None:
    sections = re.findall(r"^## (\w+)", (REPOSITORY / "docs" / "conditions.md").read_text(), re.MULTILINE)
    assert {condition.value for condition in ConditionType} <= set(sections)
