"""The root command. A subcommand's module is imported when it is called, and libraries when they are used, because
`kubectl churn --help` and the completion at every Tab have to be quick."""

from __future__ import annotations

import importlib
from typing import Any

import click

from churnctl.errors import MEANINGS, ReaderGoneError
from churnctl.options import Place, place_options

COMMANDS = {
    "get": "get",
    "status": "status",
    "history": "history",
    "diff": "diff",
    "approve": "verb",
    "pause": "verb",
    "resume": "verb",
    "promote": "verb",
    "abort": "verb",
    "retry": "verb",
    "rollback": "rollback",
    "predict": "predict",
    "lint": "lint",
    "init": "init",
    "completion": "completion",
}
"""Each subcommand and the module below churnctl.commands that has it, in the order of --help."""


class Commands(click.Group):
    """The subcommands, found by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order in which a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The subcommand of this name, or None."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"churnctl.commands.{COMMANDS[cmd_name]}")
        command = getattr(module, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the subcommand."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The exit codes."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), meaning) for code, meaning in MEANINGS.items()])


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:  # noqa: ARG001
    if not value or context.resilient_parsing:
        return
    from importlib.metadata import version

    click.echo(f"churnctl {version('churn-operator')}")
    context.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version, help="Print it.")
@place_options
@click.pass_context
def cli(context: click.Context, place: Place) -> None:
    """Look at churn models, hold or move their rollouts, and ask them for predictions.

    \b
    kubectl churn status customer-churn-model --watch
    kubectl churn approve customer-churn-model
    kubectl churn predict customer-churn-model -f customers.csv
    kubectl churn lint -f churnmodel.yaml
    """
    context.obj = place
