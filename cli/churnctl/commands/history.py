"""`kubectl churn history`: the versions that were made, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from churnctl.options import Output, Place, name_argument, output_option, place_options

if TYPE_CHECKING:
    from churnctl.view import ChurnModel, Version


@click.command(short_help="List the versions that were made.")
@name_argument
@click.option("--version", "number", type=click.IntRange(min=1), help="Only this version, with its gate and metrics.")
@output_option(Output.TABLE, Output.WIDE, Output.JSON, Output.YAML)
@place_options
def history(name: str, number: int | None, output: Output, place: Place) -> None:
    """List the versions of a ChurnModel, the newest first: state, metrics, and why one was refused."""
    from churnctl.cluster.churnmodels import ChurnModels
    from churnctl.cluster.connection import connect
    from churnctl.output import print_data
    from churnctl.versions import version_of
    from churnctl.view import read

    connection = connect(place)
    item = ChurnModels(connection, connection.namespace).get(name)
    model = read(item)
    only = None if number is None else version_of(model, number)
    if output in {Output.JSON, Output.YAML}:
        versions = item.get("status", {}).get("versions", [])
        print_data(next(v for v in versions if v["number"] == number) if only else versions, output)
    elif only is not None:
        _print_version(only)
    elif not model.versions:
        click.echo(f"{name} has no version yet: see `kubectl churn status {name}`.", err=True)
    else:
        _print_versions(model, wide=output is Output.WIDE)


def _print_versions(model: ChurnModel, wide: bool) -> None:
    from churnctl.console import print_table
    from churnctl.times import ago, now

    at = now()
    header = ["Version", "State", "Traffic", "Algorithm", "ROC AUC", "Gate", "Age", "Promoted", "Retired", "Reason"]
    if wide:
        header += ["Dataset", "SHA256", "Run", "Image"]
    lines: list[list[Any]] = []
    for version in reversed(model.versions):
        share = model.traffic.get(version.number)
        line = [
            f"v{version.number}",
            version.state,
            "" if share is None else f"{share}%",
            version.algorithm,
            _metric(version, "rocAuc"),
            gate_summary(version),
            ago(version.created, at),
            ago(version.promoted, at),
            ago(version.retired, at),
            version.reason,
        ]
        if wide:
            line += [version.dataset_digest[:12], version.sha256[:12], version.run_id, version.image]
        lines.append(line)
    print_table(header, lines)


def gate_summary(version: Version) -> str:
    """`passed`, or the metrics that were not good enough."""
    if not version.gate:
        return "none"
    missed = [each.get("metric", "") for each in version.gate if not each.get("passed")]
    return f"missed: {', '.join(missed)}" if missed else "passed"


def _metric(version: Version, name: str) -> str:
    value = version.metrics.get(name)
    return "" if value is None else f"{value:.4f}"


def _print_version(version: Version) -> None:
    from churnctl.console import print_table
    from churnctl.versions import facts, gate_lines

    print_table(["Version", f"v{version.number}"], [*facts(version), *_metrics(version)])
    if version.gate:
        click.echo()
        print_table(["Gate", "Value", "Asked for", "Verdict"], gate_lines(version))


def _metrics(version: Version) -> list[list[str]]:
    return [[name, f"{value:.4f}"] for name, value in sorted(version.metrics.items())]
