"""`kubectl churn lint`: manifests against the rules of the API server, offline."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from churnctl.options import Output, output_option

if TYPE_CHECKING:
    from churnctl.lint.files import Checked


@click.command(short_help="Check manifests without a cluster.")
@click.option(
    "-f", "--filename", "files", multiple=True, required=True, metavar="FILE", type=click.Path(),
    help="File or folder of manifests; - for stdin. May be repeated.",
)  # fmt: skip
@click.option(
    "--definition", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="CustomResourceDefinition to go by, instead of the one of this version.",
)  # fmt: skip
@output_option(Output.TABLE, Output.JSON, Output.YAML)
@click.pass_context
def lint(context: click.Context, files: tuple[str, ...], definition: Path | None, output: Output) -> None:
    """Check ChurnModels in YAML files as the API server would, without a cluster.

    Says what `kubectl apply` would be answered, with the line in the file. Objects of other kinds are skipped. Ends
    with 1 when something has to be corrected.
    """
    from churnctl.errors import ExitCode
    from churnctl.lint.definition import read_definition
    from churnctl.lint.files import check_files
    from churnctl.output import print_data

    checked = check_files(list(files), read_definition(definition))
    if output is Output.TABLE:
        _print(checked)
    else:
        print_data([asdict(finding) for finding in checked.findings], output)
    if checked.findings:
        context.exit(ExitCode.FAILED)


def _print(checked: Checked) -> None:
    from churnctl.console import say
    from churnctl.lint.manifest import NOT_ALL_CHECKED

    for finding in checked.findings:
        click.echo(f"{finding.file}:{finding.line}: {finding.sentence}")
    for name in checked.incomplete:
        click.echo(f"{name or 'a ChurnModel without a name'}: {NOT_ALL_CHECKED}", err=True)
    skipped = f" {checked.others} of another kind skipped." if checked.others else ""
    if not checked.models:
        click.echo(f"No ChurnModel was found.{skipped}", err=True)
    elif checked.findings:
        count = len(checked.findings)
        say(f"{count} mistake{'s' if count > 1 else ''} in {_models(checked.models)}.{skipped}", "red")
    else:
        say(f"{_models(checked.models)}: nothing to correct.{skipped}", "green")


def _models(count: int) -> str:
    return f"{count} ChurnModel{'s' if count > 1 else ''}"
