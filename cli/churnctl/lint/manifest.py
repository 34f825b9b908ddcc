"""One manifest against the definition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from churnctl.lint.completion import completed
from churnctl.lint.definition import Definition
from churnctl.lint.documents import Path
from churnctl.lint.finding import Finding, shown
from churnctl.lint.rules import check_rules
from churnctl.lint.schema import check_schema

NOT_ALL_CHECKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)
"""The API server's own words after a mistake that keeps it from going on."""
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SUBDOMAIN_MESSAGE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_SUBDOMAIN_LIMIT = 253


def check_manifest(content: dict[str, Any], definition: Definition) -> list[Finding]:
    """What the API server would say if this were created now; empty if it would take it."""
    if content.get("apiVersion") != definition.api_version:
        said = f'no matches for kind "{definition.kind}" in version "{content.get("apiVersion", "")}"'
        return [Finding(("apiVersion",), f"{said}: write {definition.api_version}")]
    # A status is dropped at creation: people paste what `get -o yaml` printed.
    written = {key: value for key, value in content.items() if key != "status"}
    whole = completed(written, definition.schema)
    metadata = list(_check_metadata(whole.get("metadata")))
    below = {**whole, "metadata": {}}
    findings = [*metadata, *check_schema(below, definition.schema)]
    if not any(finding.blocking for finding in findings):
        findings += check_rules(whole, _judged(definition.schema))
    return findings


def _judged(schema: Any) -> Any:
    """The schema without its opinion on metadata below its name."""
    return {**schema, "properties": {**schema["properties"], "metadata": {}}}


def _check_metadata(metadata: Any) -> Iterator[Finding]:
    path: Path = ("metadata",)
    if not isinstance(metadata, dict) or not (metadata.get("name") or metadata.get("generateName")):
        yield Finding((*path, "name"), "Required value: name or generateName is required", blocking=True)
        return
    name = metadata.get("name")
    if name is None:
        return
    if not isinstance(name, str):
        yield Finding((*path, "name"), f"must be a string, not {shown(name)}: put it in quotes", blocking=True)
        return
    invalid = f"Invalid value: {shown(name)}: "
    if len(name) > _SUBDOMAIN_LIMIT:
        yield Finding((*path, "name"), f"{invalid}must be no more than {_SUBDOMAIN_LIMIT} characters")
    if not _SUBDOMAIN.fullmatch(name):
        yield Finding((*path, "name"), f"{invalid}{_SUBDOMAIN_MESSAGE}")
