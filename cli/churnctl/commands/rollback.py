"""`kubectl churn rollback`: another version in service, at once and until the pin is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from churnctl.options import Place, name_argument, place_options

if TYPE_CHECKING:
    from churnctl.view import ChurnModel


@click.command(short_help="Serve an earlier version at once.")
@name_argument
@click.option(
    "--to", "number", type=click.IntRange(min=1), help="The version to serve; default: the one in service before."
)
@click.option("--clear", is_flag=True, help="Remove the pin: the newest version may come into service again.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until the version has all traffic.")
@click.option("--timeout", default=120.0, show_default=True, metavar="SECONDS", help="How long to wait.")
@place_options
def rollback(name: str, number: int | None, clear: bool, wait: bool, timeout: float, place: Place) -> None:
    """Serve an earlier version at once, and keep to it.

    Sets spec.rollbackTo, which needs the right to change the ChurnModel, and stays until --clear. A ChurnModel that Git
    syncs needs the same line in Git.
    """
    from churnctl.cluster.churnmodels import ChurnModels
    from churnctl.cluster.connection import connect
    from churnctl.view import read

    if clear and number is not None:
        raise click.UsageError("--to sets the pin and --clear removes it: choose one.")
    connection = connect(place)
    models = ChurnModels(connection, connection.namespace)
    model = read(models.get(name))
    wanted = None if clear else _target(model, number)
    if model.spec.get("rollbackTo") == wanted:
        state = "is not pinned" if wanted is None else f"is pinned to version {wanted} already"
        click.echo(f"{name} {state}.")
    else:
        models.patch(name, {"spec": {"rollbackTo": wanted}})
        _warn_of_git(model, wanted)
    waits = " It waits while spec.suspend is true." if model.spec.get("suspend") else ""
    if clear:
        click.echo(f"{name}: the pin is removed; the newest version that passes comes into service again.{waits}")
    elif wait and not waits:
        _wait(models, name, wanted, timeout)
    else:
        click.echo(f"{name}: version {wanted} is asked for.{waits}")


def _target(model: ChurnModel, number: int | None) -> int:
    """The version to go back to.

    Raises:
        NotFoundError: it is not there, or there is none before the one in service.
        ChurnctlError: it was never in service.
    """
    from churnctl.errors import ChurnctlError, NotFoundError
    from churnctl.versions import version_of

    if number is not None:
        if version_of(model, number).promoted is None:
            raise ChurnctlError(f"Version {number} was never in service: choose one that was, see `history`.")
        return number
    served = [version for version in model.versions if version.promoted and version.number != model.rollout.stable]
    if not served:
        raise NotFoundError(f"{model.name} has no version that was in service before.")
    return max(served, key=lambda version: version.promoted or version.created or 0).number


def _wait(models: Any, name: str, number: int | None, timeout: float) -> None:
    import time

    from churnctl.console import stderr
    from churnctl.errors import ChurnctlError, UnreachableError
    from churnctl.view import read

    deadline = time.monotonic() + timeout
    with stderr().status(f"version {number} comes back into service"):
        while True:
            model = read(models.get(name))
            if model.rollout.stable == number and model.traffic == {number: 100}:
                click.echo(f"{name}: version {number} is in service with 100 % of the traffic.")
                return
            stalled = model.condition("Stalled")
            if stalled is not None and stalled.reason == "InvalidRollback":
                raise ChurnctlError(f"{stalled.message}.")
            if time.monotonic() > deadline:
                last = model.condition("Reconciling")
                raise UnreachableError(
                    f"spec.rollbackTo is {number}, and version {number} did not get all traffic within {timeout:g} s: "
                    f"{last.message if last and last.message else 'see whether the operator runs'}."
                )
            time.sleep(0.3)


def _warn_of_git(model: ChurnModel, number: int | None) -> None:
    """Whoever syncs the object from Git would undo a change made here."""
    marks = {**model.labels, **model.annotations}
    syncs = {
        "Argo CD": "argocd.argoproj.io/tracking-id" in marks or "argocd.argoproj.io/instance" in marks,
        "Flux": "kustomize.toolkit.fluxcd.io/name" in marks or "helm.toolkit.fluxcd.io/name" in marks,
    }
    for program, found in syncs.items():
        if found:
            todo = "remove rollbackTo from" if number is None else f"write rollbackTo: {number} into"
            click.echo(f"{program} syncs {model.name}: {todo} the manifest in Git, or it may undo this.", err=True)
