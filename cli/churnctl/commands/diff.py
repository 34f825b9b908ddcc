"""`kubectl churn diff`: two versions side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from churnctl.options import Output, Place, name_argument, output_option, place_options

if TYPE_CHECKING:
    from churn_report import Report

    from churnctl.cluster.connection import Connection
    from churnctl.comparison import Line
    from churnctl.view import ChurnModel, Version


class _Number(click.ParamType[int]):
    """The number of a version, with or without its v."""

    name = "version"

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> int:
        digits = str(value).removeprefix("v")
        if not digits.isascii() or not digits.isdigit():
            self.fail(f"{value!r} is no version: write 2 or v2.", parameter, context)
        return int(digits)


@click.command(short_help="Compare two versions.")
@name_argument
@click.argument("v1", type=_Number())
@click.argument("v2", type=_Number())
@click.option("-a", "--all", "everything", is_flag=True, help="Show what is the same, too.")
@click.option("--s3-endpoint", metavar="URL", help="Address of the S3 store, e.g. of a forwarded port.")
@click.option("--report/--no-report", default=True, show_default=True, help="Read report.json of both versions.")
@output_option(Output.TABLE, Output.JSON, Output.YAML)
@place_options
def diff(
    name: str,
    v1: int,
    v2: int,
    everything: bool,
    s3_endpoint: str | None,
    report: bool,
    output: Output,
    place: Place,
) -> None:
    """Compare version V1 with V2: parameters, data, libraries and metrics.

    Algorithm, metrics and digests come from the status. Hyperparameters, rows and libraries come from report.json in
    S3: with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL_S3 if they are set, else with the Secret of
    the ChurnModel's serving.serviceAccountName if you may read it.
    """
    from churnctl.cluster.churnmodels import ChurnModels
    from churnctl.cluster.connection import connect
    from churnctl.comparison import compare
    from churnctl.output import print_data
    from churnctl.versions import version_of
    from churnctl.view import read

    connection = connect(place)
    model = read(ChurnModels(connection, connection.namespace).get(name))
    old, new = version_of(model, v1), version_of(model, v2)
    reports = _reports(connection, model, (old, new), s3_endpoint) if report else None
    lines = [line for line in compare(old, new, reports) if everything or line.differs or line.section == "metrics"]
    if output is Output.TABLE:
        _print(lines, v1, v2)
    else:
        print_data(_as_data(lines, v1, v2), output)


def _reports(
    connection: Connection, model: ChurnModel, pair: tuple[Version, Version], endpoint: str | None
) -> tuple[Report, Report] | None:
    from churnctl.cluster.reports import store_of
    from churnctl.errors import ChurnctlError

    try:
        store = store_of(connection, model, endpoint)
        return store.report(pair[0]), store.report(pair[1])
    except ChurnctlError as error:
        click.echo(f"Hyperparameters and libraries are not compared: {error}.", err=True)
        return None


def _print(lines: list[Line], v1: int, v2: int) -> None:
    from rich.text import Text

    from churnctl.console import print_table

    colours = {"better": "green", "worse": "red"}
    rows: list[list[Any]] = []
    section = ""
    for line in lines:
        heading = line.section if line.section != section else ""
        section = line.section
        verdict = Text(line.verdict or ("changed" if line.differs else ""), style=colours.get(line.verdict, ""))
        rows.append(
            [heading, line.name, _cell(line.old, line.section), _cell(line.new, line.section), _change(line), verdict]
        )
    print_table(["", "Value", f"v{v1}", f"v{v2}", "Change", "Verdict"], rows)


def _cell(value: Any, section: str) -> str:
    match value:
        case None:
            return "-"
        case float():
            return f"{value:.4f}" if section == "metrics" else f"{value:g}"
        case _:
            return str(value)


def _change(line: Line) -> str:
    numbers = isinstance(line.old, int | float) and isinstance(line.new, int | float)
    if not numbers or isinstance(line.old, bool) or not line.differs:
        return ""
    change = line.new - line.old
    return f"{change:+.4f}" if line.section == "metrics" else f"{change:+g}"


def _as_data(lines: list[Line], v1: int, v2: int) -> dict[str, dict[str, Any]]:
    data: dict[str, dict[str, Any]] = {}
    for line in lines:
        values = {f"v{v1}": line.old, f"v{v2}": line.new}
        if line.verdict:
            values["verdict"] = line.verdict
        data.setdefault(line.section, {})[line.name] = values
    return data
