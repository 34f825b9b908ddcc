"""What a shell offers at Tab: for churnctl by click, for `kubectl churn` by the program that kubectl asks."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from churnctl.errors import ChurnctlError
from churnctl.options import Place

_NO_FILES = 4
"""cobra's ShellCompDirectiveNoFileComp; 0 lets the shell offer files."""


def kubectl_complete() -> None:
    """`kubectl_complete-churn`: kubectl runs it with the words so far, the last of which is incomplete.

    It prints a candidate a line, with its description behind a tab, then a colon and cobra's directive.
    """
    from click.shell_completion import ShellComplete

    from churnctl.application import cli

    *words, incomplete = sys.argv[1:] or [""]
    found = ShellComplete(cli, {}, "kubectl churn", "").get_completions(words, incomplete)
    offers = [item for item in found if item.type == "plain"]
    for item in offers:
        click.echo(f"{item.value}\t{item.help}" if item.help else item.value)
    click.echo(f":{_NO_FILES if len(offers) == len(found) else 0}")


def names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """ChurnModels of the namespace that the words so far choose."""

    def ask() -> list[str]:
        from churnctl.cluster.churnmodels import ChurnModels
        from churnctl.cluster.connection import connect

        connection = connect(_place(context))
        return [item["metadata"]["name"] for item in ChurnModels(connection, connection.namespace).list()]

    return _quietly(ask, incomplete)


def namespaces(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Namespaces of the cluster."""

    def ask() -> list[str]:
        from churnctl.cluster.connection import connect

        answer = connect(_place(context)).send("GET", "namespaces", version="v1")
        return [item["metadata"]["name"] for item in answer.json()["items"]]

    return _quietly(ask, incomplete)


def contexts(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Contexts of the kubeconfig."""

    def ask() -> list[str]:
        from churnctl.cluster.kubeconfig import read_kubeconfig

        return [entry["name"] for entry in (read_kubeconfig(_place(context)) or {"contexts": []})["contexts"]]

    return _quietly(ask, incomplete)


def _quietly(ask: Callable[[], list[str]], incomplete: str) -> list[str]:
    """What there is with this beginning. A shell at Tab is no place for errors: then there is nothing to offer."""
    try:
        return [name for name in ask() if name.startswith(incomplete)]
    except ChurnctlError:
        return []


def _place(context: click.Context) -> Place:
    """The options so far, before the subcommand and behind it."""
    place = Place()
    at: click.Context | None = context
    while at is not None:
        options = {key: at.params.get(key) for key in ("kubeconfig", "context", "namespace")}
        place = place.within(Place(**options))
        at = at.parent
    return place
