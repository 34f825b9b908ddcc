"""`kubectl churn init`: a ChurnModel from a CSV file of customers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from churnctl.proposal.manifest import Proposal
    from churnctl.proposal.table import Table

_BUCKET = "mlops-data"


@click.command(short_help="Propose a ChurnModel from a CSV file.")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", metavar="NAME", help="Of the ChurnModel; default: that of the file.")
@click.option("--uri", metavar="S3-URI", help=f"Where the file is, or will be, in S3; default: s3://{_BUCKET}/<file>.")
@click.option("--target", metavar="COLUMN", help="The column that says who left.")
@click.option("--positive", metavar="VALUE", help="Its value that means that a customer left.")
@click.option("--id", "id_column", metavar="COLUMN", help="The column that identifies a customer.")
@click.option(
    "-w", "--write", "destination", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write there instead of to stdout. A file that is there stays as it is.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def init(
    file: Path,
    name: str | None,
    uri: str | None,
    target: str | None,
    positive: str | None,
    id_column: str | None,
    destination: Path | None,
    force: bool,
) -> None:
    """Propose a ChurnModel for the customers in a CSV FILE.

    Reads every row; guesses the target, its positive label and the id; proposes a data contract unless the columns are
    Telco's, and a gate that fits the number of customers and how many of them left. What was guessed stands in
    comments. The file stays on this machine: upload it to the URI yourself.
    """
    from churnctl.errors import InputError
    from churnctl.proposal.contract import contract_of
    from churnctl.proposal.gate import gate_of
    from churnctl.proposal.manifest import Proposal, label_of
    from churnctl.proposal.roles import roles_of

    if destination is not None and destination.exists() and not force:
        raise InputError(f"{destination} is there already: choose another file, or add --force.")
    table = _read(file)
    roles = roles_of(table, target, positive, id_column)
    contract = contract_of(table, roles)
    if not contract.columns:
        raise InputError(f"{file} has no column to learn from besides {roles.target} and {roles.id_column}.")
    proposal = Proposal(
        name=name or label_of(file.stem),
        uri=uri or f"s3://{_BUCKET}/{file.name.replace(' ', '-')}",
        file=file.name,
        roles=roles,
        contract=contract,
        gate=gate_of(table, roles, contract),
    )
    text = _checked(proposal)
    if destination is None:
        click.echo(text, nl=False)
    else:
        destination.write_text(text, encoding="utf-8")
    _tell(proposal, destination)


def _read(file: Path) -> Table:
    from churnctl.console import byte_progress
    from churnctl.proposal.table import read_table

    size = file.stat().st_size if file.is_file() else 0
    with byte_progress() as bar:
        task = bar.add_task(f"reading {file.name}", total=size)
        return read_table(file, lambda count: bar.advance(task, count))


def _checked(proposal: Proposal) -> str:
    """The manifest, which has to pass lint: --name and --uri may be wrong.

    Raises:
        InputError: it does not pass.
    """
    from churnctl.errors import InputError
    from churnctl.lint.definition import read_definition
    from churnctl.lint.documents import documents
    from churnctl.lint.manifest import check_manifest

    text = proposal.text()
    (document,) = documents(text)
    findings = check_manifest(document.content, read_definition())
    if findings:
        raise InputError("; ".join(finding.sentence for finding in findings))
    return text


def _tell(proposal: Proposal, destination: Path | None) -> None:
    for note in (*proposal.roles.notes, *proposal.gate.notes):
        click.echo(f"  {note}", err=True)
    for name, reason in proposal.contract.left_out:
        click.echo(f"  left out: {name}, {reason}", err=True)
    if destination is not None:
        click.echo(f"{destination} is written. Upload {proposal.file} to {proposal.uri}, then:", err=True)
        click.echo(f"  kubectl apply -f {destination}", err=True)
