"""Rules that the API server checks, each with the sentence a person reads when it refuses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

EXTENSION = "x-kubernetes-validations"
"""The key under which kube-apiserver reads CEL rules in a schema."""


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules of an object as (rule, message) pairs, as the JSON-schema extension that kube-apiserver reads."""
    return {EXTENSION: [{"rule": rule, "message": message} for rule, message in pairs]}


def _with_rule(schema: JsonSchemaValue, rule: dict[str, str]) -> JsonSchemaValue:
    return {**schema, EXTENSION: [*schema.get(EXTENSION, []), rule]}


@dataclass(frozen=True)
class Rule:
    """A CEL rule of one field, for `Annotated`. Only the API server checks it.

    `message_expression` is CEL too, for a message that names what was found; `message` stands in where it fails.
    """

    rule: str
    message: str
    message_expression: str | None = None

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = {"rule": self.rule, "message": self.message}
        if self.message_expression is not None:
            written["messageExpression"] = self.message_expression
        return _with_rule(handler(schema), written)


@dataclass(frozen=True)
class Matches:
    """The form of a string, for `Annotated`: pydantic and the API server refuse any other with the same sentence.

    `pattern` is a regular expression that RE2 and Python read alike, anchored by ^ and $, without quotes.
    A schema's own `pattern` would answer with the regular expression, which tells a person little.
    """

    pattern: str
    message: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        rule = {"rule": f"self.matches(r'{self.pattern}')", "message": self.message}
        return _with_rule(handler(schema), rule)

    def _checked(self, text: str) -> str:
        if re.fullmatch(self.pattern, text) is None:
            raise ValueError(f"{self.message}, not {text!r:.80}")
        return text
