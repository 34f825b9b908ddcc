"""`churnctl`, and `kubectl churn`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from churnctl.application import cli
from churnctl.console import say, write_what_the_terminal_has
from churnctl.errors import ChurnctlError, ExitCode, ReaderGoneError

BROKEN_PIPE = 141
"""What a shell reports of a program that SIGPIPE ended, as `kubectl … | head` does."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """The exit code of a command; what went wrong is on stderr, as a sentence."""
    write_what_the_terminal_has()
    try:
        code = cli.main(list(arguments), prog_name=program_name(), standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except ChurnctlError as error:
        say(f"error: {error}", "red")
        return error.exit_code
    except (ReaderGoneError, BrokenPipeError):
        # Else the interpreter would try to flush stdout once more, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code if isinstance(code, int) else ExitCode.OK


def program_name() -> str:
    """How the person calls us, for usage lines."""
    return "kubectl churn" if os.path.basename(sys.argv[0]).startswith("kubectl-churn") else "churnctl"  # noqa: PTH119


if __name__ == "__main__":
    main()
