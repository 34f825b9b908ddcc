"""`kubectl churn status`: a ChurnModel as a tree of versions and traffic."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from churnctl.options import Output, Place, name_argument, output_option, place_options

if TYPE_CHECKING:
    from churnctl.view import ChurnModel


@click.command(short_help="Show versions, traffic and what goes on.")
@name_argument
@click.option("-w", "--watch", is_flag=True, help="Go on, and show each change, until Ctrl-C.")
@output_option(Output.TABLE, Output.JSON, Output.YAML)
@place_options
def status(name: str, watch: bool, output: Output, place: Place) -> None:
    """Show where a ChurnModel stands: conditions, versions, traffic, step, gate and analysis.

    With --watch the picture moves; into a pipe, each change is printed anew.
    """
    from churnctl.cluster.churnmodels import ChurnModels
    from churnctl.cluster.connection import connect

    connection = connect(place)
    models = ChurnModels(connection, connection.namespace)
    items = models.watch(name) if watch else iter([models.get(name)])
    if output is Output.TABLE:
        _show(items, watch)
        return
    for item in items:
        _print_data(item, output, watch)


def _print_data(item: dict[str, Any], output: Output, watch: bool) -> None:
    import json

    from churnctl.output import print_data

    shown = item.get("status", {})
    if watch and output is Output.JSON:
        # A line a change, for programs that read as they go.
        click.echo(json.dumps(shown, ensure_ascii=False))
        return
    if watch:
        click.echo("---")
    print_data(shown, output)


def _show(items: Iterator[dict[str, Any]], watch: bool) -> None:
    from churnctl.console import stdout
    from churnctl.tree import tree
    from churnctl.view import read

    console = stdout()
    if watch and console.is_terminal:
        _live(items)
        return
    before: ChurnModel | None = None
    for item in items:
        model = read(item)
        if before is None or not _same(before, model):
            console.print(tree(model))
        before = model


def _same(one: ChurnModel, other: ChurnModel) -> bool:
    from dataclasses import replace

    return replace(one, resource_version="") == replace(other, resource_version="")


def _live(items: Iterator[dict[str, Any]]) -> None:
    """The tree, drawn anew at each change, and each second for the ages in it."""
    from rich.live import Live

    from churnctl.console import stdout
    from churnctl.tree import tree
    from churnctl.view import read

    latest = [read(next(items))]
    with Live(get_renderable=lambda: tree(latest[0]), console=stdout(), refresh_per_second=4, screen=False):
        for item in items:
            latest[0] = read(item)
