"""`kubectl churn predict`: churn or no churn, for the customers in a file."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from churnctl.options import Output, Place, name_argument, output_option, place_options

if TYPE_CHECKING:
    from churnctl.predictions import Prediction


@click.command(short_help="Ask who churns, from JSON or CSV.")
@name_argument
@click.option(
    "-f", "--filename", "file", required=True, metavar="FILE", type=click.Path(),
    help="Customers as JSON (a list, one object, or with \"instances\") or CSV with a header; - for stdin.",
)  # fmt: skip
@click.option("--url", metavar="URL", help="Ask here instead of at status.url, e.g. a forwarded port.")
@click.option("--host", metavar="NAME", help="Host header, which a gateway goes by.")
@click.option("--sort", is_flag=True, help="The most likely to churn first.")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="Only the N most likely to churn.")
@click.option("--timeout", default=30.0, show_default=True, metavar="SECONDS", help="Of each request.")
@output_option(Output.TABLE, Output.JSON, Output.YAML, Output.CSV)
@place_options
def predict(
    name: str,
    file: str,
    url: str | None,
    host: str | None,
    sort: bool,
    top: int | None,
    timeout: float,
    output: Output,
    place: Place,
) -> None:
    """Ask the ChurnModel who churns, with probability and the version that answered.

    Customers are sent as the business knows them ("Contract": "Month-to-month"). The columns of id and target may be in
    the file; they are not sent.
    """
    from churnctl.cluster.churnmodels import ChurnModels
    from churnctl.cluster.connection import connect
    from churnctl.console import progress
    from churnctl.customers import Fields, read_customers
    from churnctl.errors import ChurnctlError
    from churnctl.predictions import Endpoint, predict_all
    from churnctl.view import read

    connection = connect(place)
    model = read(ChurnModels(connection, connection.namespace).get(name))
    address = url or model.url
    if address is None:
        ready = model.condition("Ready")
        why = f": {ready.message}" if ready is not None and ready.message else ""
        raise ChurnctlError(f"{name} has no address yet{why}.")
    customers = read_customers(file, Fields.of(model.spec))
    with progress() as bar:
        task = bar.add_task("customers", total=len(customers.instances))
        endpoint = Endpoint(address, name, host, timeout)
        answers = predict_all(endpoint, customers, lambda count: bar.advance(task, count))
    shown = sorted(answers, key=lambda each: -each.probability)[:top] if sort or top else answers
    _print(shown, output)
    click.echo(_summary(answers), err=True)


def _print(answers: list[Prediction], output: Output) -> None:
    import csv
    import sys

    from churnctl.output import print_data

    match output:
        case Output.CSV:
            writer = csv.writer(sys.stdout, lineterminator="\n")
            writer.writerow(["customer", "class", "probability", "version"])
            writer.writerows([each.customer, each.label, each.probability, each.version] for each in answers)
        case Output.TABLE:
            from churnctl.console import print_table

            lines = [[each.customer, each.label, f"{each.probability:.4f}", _v(each.version)] for each in answers]
            print_table(["Customer", "Class", "Probability", "Version"], lines)
        case _:
            print_data([each.as_dict() for each in answers], output)


def _summary(answers: list[Prediction]) -> str:
    labels = Counter(each.label for each in answers)
    versions = Counter(each.version for each in answers)
    classes = ", ".join(f"{count} {label}" for label, count in labels.most_common())
    split = len(versions) > 1
    by = ", ".join(f"{_v(version)} ({count})" if split else _v(version) for version, count in versions.most_common())
    return f"{len(answers)} customer{'s' if len(answers) > 1 else ''}: {classes}; answered by {by}."


def _v(version: str) -> str:
    return f"v{version}" if version else "?"
