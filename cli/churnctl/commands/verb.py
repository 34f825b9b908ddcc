"""`kubectl churn approve`, `pause`, `resume`, `promote`, `abort` and `retry`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from churnctl.options import Place, name_argument, place_options

if TYPE_CHECKING:
    from churnctl.verbs import Verb

_SHORT = {
    "approve": "Let the step under way end.",
    "pause": "Hold the rollout where it is.",
    "resume": "Go on after a pause.",
    "promote": "Give the candidate everything now.",
    "abort": "Give the stable version everything again.",
    "retry": "Try again what failed or was refused.",
}
_DESCRIPTIONS = {
    "approve": "Let the step that is under way end, once its bake is over.",
    "pause": "Hold the rollout where it is. A candidate that fails is still rolled back.",
    "resume": "Go on with a rollout that was paused.",
    "promote": "Give the candidate all of the traffic now: steps, approvals and analysis are skipped.",
    "abort": "Give the stable version all of the traffic again. The candidate is not tried again by itself.",
    "retry": "Try once more what was refused, rolled back or failed.",
}


def _verb_command(verb: str) -> click.Command:
    @click.command(
        name=verb,
        short_help=_SHORT[verb],
        help=f"{_DESCRIPTIONS[verb]}\n\nSets the annotation churnops.dev/{verb}, once.",
    )
    @name_argument
    @click.option(
        "--version", "number", type=click.IntRange(min=1), help="Only if this version is meant; else nothing is done."
    )
    @click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until the operator has heeded it.")
    @click.option("--timeout", default=30.0, show_default=True, metavar="SECONDS", help="How long to wait.")
    @place_options
    def command(name: str, number: int | None, wait: bool, timeout: float, place: Place) -> None:
        from churnctl.verbs import Verb

        _ask(name, Verb(verb), number, timeout if wait else None, place)

    return command


approve, pause, resume, promote, abort, retry = map(_verb_command, _DESCRIPTIONS)


def _ask(name: str, verb: Verb, number: int | None, timeout: float | None, place: Place) -> None:
    from churnctl.cluster.churnmodels import ChurnModels
    from churnctl.cluster.connection import connect
    from churnctl.wishing import heeded, make

    connection = connect(place)
    models = ChurnModels(connection, connection.namespace)
    before, made = make(models, name, verb, number)
    if timeout is None or before.spec.get("suspend"):
        waits = " It waits while spec.suspend is true." if before.spec.get("suspend") else ""
        click.echo(f"{name}: {verb} of {made.about} is asked for.{waits}")
        return
    after = heeded(models, before, made, timeout)
    now = f" Now: {after.standing}." if after.standing else ""
    click.echo(f"{name}: {_told(verb, made.about)}.{now}")


def _told(verb: Verb, about: str) -> str:
    from churnctl.verbs import Verb

    match verb:
        case Verb.APPROVE:
            return f"the step of {about} is approved"
        case Verb.PAUSE:
            return f"the rollout of {about} is paused"
        case Verb.RESUME:
            return f"the rollout of {about} goes on"
        case Verb.PROMOTE:
            return f"{about} is promoted as soon as it is ready"
        case Verb.ABORT:
            return f"the rollout of {about} was ended"
        case Verb.RETRY:
            return f"{about} is tried again"
