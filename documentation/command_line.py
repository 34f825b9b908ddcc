"""The reference of `kubectl churn`, from its click commands."""

from __future__ import annotations

import textwrap

import click
from churnctl.application import cli
from churnctl.errors import MEANINGS

from documentation.markdown import GENERATED, code, plain, table

PROGRAM = "kubectl churn"

INTRODUCTION = """# Command line

`kubectl churn` and `churnctl` are one program: kubectl finds `kubectl-churn` on the `PATH`. It takes the namespace and
the context of your kubeconfig, like kubectl. Colours and progress are off when the output goes into a pipe, and with
`NO_COLOR`. Verbs are annotations that the operator heeds once ([what they do](../conditions.md#verbs)).

"""


def page() -> str:
    """The whole page."""
    root = click.Context(cli, info_name=PROGRAM, **cli.context_settings)
    codes = table(("Exit code", "Means"), [(str(int(number)), plain(text)) for number, text in MEANINGS.items()])
    options = _options(cli, root)
    commands = "\n".join(_command(root, name) for name in cli.list_commands(root))
    return f"{GENERATED}{INTRODUCTION}{options}\n## Exit codes\n\n{codes}\n{commands}"


def _command(root: click.Context, name: str) -> str:
    command = cli.get_command(root, name)
    assert command is not None
    context = click.Context(command, info_name=name, parent=root)
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    return f"## {name}\n\n```text\n{usage}\n```\n\n{_help(command)}\n{_options(command, context)}"


def _help(command: click.Command) -> str:
    """Paragraphs; those marked by \\b keep their lines."""
    text = textwrap.dedent(command.help or "").strip()
    told = []
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("\b"):
            told.append("```sh\n" + paragraph.removeprefix("\b").strip("\n") + "\n```\n")
        else:
            told.append(plain(" ".join(paragraph.split())) + "\n")
    return "\n".join(told)


def _options(command: click.Command, context: click.Context) -> str:
    options = [each for each in command.get_params(context) if isinstance(each, click.Option)]
    records = [record for each in options if (record := each.get_help_record(context))]
    return table(("Option", "Meaning"), [(code(names), plain(told)) for names, told in records])
