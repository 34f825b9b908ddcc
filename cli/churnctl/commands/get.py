"""`kubectl churn get`: one line a ChurnModel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from churnctl.options import Output, Place, bare, complete_names, output_option, place_options


@click.command(short_help="List ChurnModels, a line each.")
@click.argument(
    "name", required=False, shell_complete=complete_names, callback=lambda _c, _p, value: value and bare(value)
)
@click.option("-A", "--all-namespaces", is_flag=True, help="Those of every namespace.")
@output_option(Output.TABLE, Output.WIDE, Output.JSON, Output.YAML, Output.NAME)
@place_options
def get(name: str | None, all_namespaces: bool, output: Output, place: Place) -> None:
    """List ChurnModels, one line each, or show the one of this NAME.

    The columns are those of `kubectl get churnmodels`.
    """
    from churnctl.cluster.churnmodels import ChurnModels
    from churnctl.cluster.connection import connect
    from churnctl.output import print_objects

    if name is not None and all_namespaces:
        raise click.UsageError("A NAME is looked for in one namespace: leave out the NAME or --all-namespaces.")
    connection = connect(place)
    models = ChurnModels(connection, None if all_namespaces else connection.namespace)
    if output in {Output.TABLE, Output.WIDE}:
        _print_table(models.table(name), wide=output is Output.WIDE, all_namespaces=all_namespaces)
        return
    items = [models.get(name)] if name is not None else models.list()
    print_objects(items, output, single=name is not None)


def _print_table(table: Mapping[str, Any], wide: bool, all_namespaces: bool) -> None:
    from churnctl.console import print_table

    rows = table.get("rows") or []
    if not rows:
        click.echo("There are no ChurnModels here.", err=True)
        return
    shown = [place for place, column in enumerate(table["columnDefinitions"]) if wide or not column.get("priority")]
    header = [table["columnDefinitions"][place]["name"] for place in shown]
    lines = [[_cell(row["cells"][place]) for place in shown] for row in rows]
    if all_namespaces:
        header = ["Namespace", *header]
        lines = [[row["object"]["metadata"]["namespace"], *line] for row, line in zip(rows, lines, strict=True)]
    print_table(header, lines)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)
