"""`kubectl churn completion`: the script that makes a shell complete churnctl."""

from __future__ import annotations

import click


@click.command(short_help="Print a completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes churnctl in this SHELL.

    \b
    bash:  source <(churnctl completion bash)
    zsh:   source <(churnctl completion zsh)
    fish:  churnctl completion fish | source

    `kubectl churn` needs no script: the completion of kubectl 1.26 and later asks kubectl_complete-churn, which lies
    beside kubectl-churn.
    """
    from click.shell_completion import get_completion_class

    from churnctl.application import cli

    kind = get_completion_class(shell)
    assert kind is not None
    # Not BashComplete.source(), which starts a bash only to learn its version.
    writer = kind(cli, {}, "churnctl", "_CHURNCTL_COMPLETE")
    click.echo(writer.source_template % writer.source_vars())
