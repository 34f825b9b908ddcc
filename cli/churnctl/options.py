"""Options that several commands have: where the cluster is, and how to print."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Place:
    """Which cluster and namespace; None is what kubectl would take."""

    kubeconfig: Path | None = None
    context: str | None = None
    namespace: str | None = None

    def within(self, outer: Place | None) -> Place:
        """This place, with what it leaves open taken from the options before the subcommand."""
        if outer is None:
            return self
        return Place(
            self.kubeconfig or outer.kubeconfig, self.context or outer.context, self.namespace or outer.namespace
        )


class Output(StrEnum):
    """How to print."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"
    CSV = "csv"


def place_options(command: Function) -> Function:
    """Adds -n, --context and --kubeconfig, as kubectl has them; the command gets `place`.

    They may stand before the subcommand or behind it.
    """

    @click.option("-n", "--namespace", metavar="NAME", shell_complete=_namespaces, help="Namespace of the ChurnModel.")
    @click.option("--context", metavar="NAME", shell_complete=_contexts, help="Context in the kubeconfig.")
    @click.option(
        "--kubeconfig", metavar="FILE", type=click.Path(path_type=Path), help="Kubeconfig instead of $KUBECONFIG."
    )
    @functools.wraps(command)
    def placed(
        *arguments: Any, namespace: str | None, context: str | None, kubeconfig: Path | None, **options: Any
    ) -> Any:
        outer = click.get_current_context().obj
        place = Place(kubeconfig, context, namespace).within(outer if isinstance(outer, Place) else None)
        return command(*arguments, place=place, **options)

    return placed  # type: ignore[return-value]


def output_option(*formats: Output) -> Callable[[Function], Function]:
    """Adds -o with these formats, the first of which is the default; the command gets `output`."""
    default, *others = formats
    return click.option(
        "-o",
        "--output",
        type=click.Choice([each.value for each in others] if default is Output.TABLE else [*map(str, formats)]),
        callback=lambda _context, _parameter, value: default if value is None else Output(value),
        help="Print for programs, or more." if default is Output.TABLE else f"Default: {default}.",
    )


def name_argument(command: Function) -> Function:
    """Adds the name of a ChurnModel; `churnmodel/<name>` is understood too, as kubectl prints it."""
    return click.argument(
        "name", shell_complete=complete_names, callback=lambda _context, _parameter, value: bare(value)
    )(command)


def bare(name: str) -> str:
    """A name without the resource before it: `chm/churn` is `churn`."""
    return name.rpartition("/")[2]


def complete_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of ChurnModels, for a shell."""
    from churnctl.completion import names

    return names(context, parameter, incomplete)


def _namespaces(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from churnctl.completion import namespaces

    return namespaces(context, parameter, incomplete)


def _contexts(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    from churnctl.completion import contexts

    return contexts(context, parameter, incomplete)
