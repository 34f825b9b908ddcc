"""The tree that `kubectl churn status` draws."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rich.text import Text
from rich.tree import Tree

from churnctl.console import COLOURS
from churnctl.times import ago, now, short, span_of
from churnctl.versions import wanted
from churnctl.view import ChurnModel, Condition, Step, Version

_BAR = 20
_MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "yellow")}
_BAD_WHEN_TRUE = {"Stalled", "DriftDetected"}
_NEUTRAL = {"Reconciling"}
_SHOWN_VERSIONS = 5


def tree(model: ChurnModel, at: datetime | None = None) -> Tree:
    """The ChurnModel with its conditions, versions, rollout and training, as of `at` (default: now)."""
    at = at or now()
    title = Text.assemble((model.name, "bold"), "  ", (model.phase or "new", COLOURS.get(model.phase, "")))
    title.append(f"  {model.namespace}", style="bright_black")
    root = Tree(title, guide_style="bright_black")
    for condition in model.conditions:
        root.add(_condition(condition, model.phase))
    _add_training(root, model, at)
    _add_versions(root, model, at)
    if model.url:
        root.add(Text.assemble("url  ", (model.url, "blue")))
    return root


def _condition(condition: Condition, phase: str) -> Text:
    good: bool | None = None if condition.status == "Unknown" else condition.status == "True"
    if condition.type in _BAD_WHEN_TRUE and good is not None:
        good = not good
    mark, colour = _MARKS[good]
    if condition.type in _NEUTRAL:
        mark, colour = ("…", "yellow") if condition.status == "True" else ("·", "bright_black")
    elif condition.type == "Trained" and condition.status == "False" and phase == "Training":
        mark, colour = "…", "yellow"
    line = Text.assemble((mark, colour), f" {condition.type:<13} {condition.status:<7} ")
    return line.append(condition.reason, style="bold").append(f"  {condition.message}")


def _add_training(root: Tree, model: ChurnModel, at: datetime) -> None:
    from churnctl.times import time_of

    training = model.training
    if not training or training.get("state") == "Succeeded":
        return
    branch = root.add(Text.assemble("training  ", (str(training.get("state", "")), "yellow")))
    branch.add(f"run {training.get('runName', '')}, attempt {training.get('attempt', '')}")
    started = time_of(training.get("started"))
    if started is not None and not training.get("finished"):
        branch.add(f"runs for {ago(started, at)}")
    if training.get("lastError"):
        branch.add(Text(str(training["lastError"]), style="red"))
    if training.get("runUrl"):
        branch.add(Text(str(training["runUrl"]), style="blue"))


def _add_versions(root: Tree, model: ChurnModel, at: datetime) -> None:
    if not model.versions:
        return
    branch = root.add("versions")
    ordered = sorted(model.versions, key=lambda version: version.number, reverse=True)
    live = {model.rollout.stable, model.rollout.candidate, *model.traffic}
    shown = [version for place, version in enumerate(ordered) if place < _SHOWN_VERSIONS or version.number in live]
    for version in shown:
        _add_version(branch, model, version, at)
    if len(shown) < len(ordered):
        branch.add(Text(f"and {len(ordered) - len(shown)} older: see history", style="bright_black"))


def _add_version(branch: Tree, model: ChurnModel, version: Version, at: datetime) -> None:
    share = model.traffic.get(version.number, 0)
    line = Text.assemble((f"v{version.number}", "bold"), " ")
    line.append(f"{version.state:<11}", style=COLOURS.get(version.state, ""))
    line.append_text(_bar(share, version.state)).append(f" {share:>3} %")
    if "rocAuc" in version.metrics:
        line.append(f"  ROC AUC {version.metrics['rocAuc']:.4f}")
    line.append(f"  {version.algorithm}  {ago(version.created, at)} old", style="bright_black")
    node = branch.add(line)
    if version.reason:
        node.add(Text(version.reason, style="red"))
    if version.number == model.rollout.candidate:
        _add_rollout(node, model, at)
    if version.number == model.rollout.candidate or version.state == "Rejected":
        for result in version.gate:
            node.add(_gate(result))


def _bar(share: int, state: str) -> Text:
    filled = round(share * _BAR / 100)
    if share > 0 and not filled:
        filled = 1
    return Text.assemble(("━" * filled, COLOURS.get(state, "")), ("─" * (_BAR - filled), "bright_black"))


def _gate(result: Mapping[str, Any]) -> Text:
    mark, colour = _MARKS[bool(result.get("passed"))]
    value = result.get("value")
    seen = "absent" if value is None else f"{value:.4f}"
    words = f" gate: {result.get('metric', '')} {seen}, asked for {wanted(result)}"
    if result.get("check", "Threshold") != "Threshold":
        words = f" gate: {result.get('message') or words}"
    return Text.assemble((mark, colour), words)


def _add_rollout(node: Tree, model: ChurnModel, at: datetime) -> None:
    rollout, steps = model.rollout, model.steps
    current = min(rollout.step or 0, len(steps) - 1)
    for place, step in enumerate(steps):
        node.add(_step(model, step, place, current, at))
    if rollout.paused:
        node.add(Text(f"paused: kubectl churn resume {model.name}", style="yellow"))
    if rollout.promoting:
        node.add(Text("promotion was asked for", style="yellow"))
    if rollout.awaiting == "Approval":
        node.add(Text(f"waits for approval: kubectl churn approve {model.name}", style="yellow"))
    elif rollout.awaiting:
        node.add(Text(f"waits for {rollout.awaiting}", style="yellow"))
    if rollout.analysis:
        _add_analysis(node, rollout.analysis)


def _step(model: ChurnModel, step: Step, place: int, current: int, at: datetime) -> Text:
    extra = ", then approval" if step.approval else ""
    words = f" step {place + 1}/{len(model.steps)}  {step.share}  bake {step.bake}{extra}"
    if place < current:
        return Text.assemble(("✓", "green"), (words, "bright_black"))
    if place > current:
        return Text.assemble("○", (words, "bright_black"))
    line = Text.assemble(("●", "yellow"), words)
    started = model.rollout.step_started
    if started is None:
        return line.append("  not in effect yet", style="yellow")
    left = started + span_of(step.bake) - at
    return line.append(f"  for {short(at - started)}" + (f", {short(left)} to go" if left.total_seconds() > 0 else ""))


def _add_analysis(node: Tree, analysis: Mapping[str, Any]) -> None:
    looks, failed = analysis.get("looks", 0), analysis.get("failed", 0)
    branch = node.add(_verdict("analysis", str(analysis.get("verdict", "")), f"{looks} looks, {failed} failed"))
    for check in analysis.get("checks") or ():
        branch.add(_verdict(str(check.get("name", "")), str(check.get("verdict", "")), str(check.get("message", ""))))


def _verdict(name: str, verdict: str, words: str) -> Text:
    colour = {"Passed": "green", "Failed": "red"}.get(verdict, "yellow")
    return Text.assemble(f"{name}  ", (verdict, colour), f"  {words}")
