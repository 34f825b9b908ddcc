"""Objects as JSON and YAML, as kubectl prints them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from churnctl.options import Output


def print_objects(items: Sequence[Mapping[str, Any]], output: Output, *, single: bool) -> None:
    """One object, or a List of them, without managedFields."""
    shown = [without_managed_fields(item) for item in items]
    if output is Output.NAME:
        for item in shown:
            click.echo(f"churnmodel.churnops.dev/{item['metadata']['name']}")
        return
    print_data(shown[0] if single else {"apiVersion": "v1", "items": shown, "kind": "List"}, output)


def print_data(data: Any, output: Output) -> None:
    """Any value as JSON or YAML."""
    if output is Output.YAML:
        import yaml

        dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
        click.echo(yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=True, width=120), nl=False)
        return
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def without_managed_fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """The object without what only server-side apply reads."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    return {**item, "metadata": metadata}
