"""The structural part of the check, by jsonschema, and in the API server's words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jsonschema

from churnctl.lint.documents import Path
from churnctl.lint.finding import Finding, field_name, shown

_INT64 = 2**63
_ANNOTATIONS = {"description", "default", "nullable", "format"}


def check_schema(value: Any, schema: Mapping[str, Any]) -> Iterator[Finding]:
    """Findings of types, bounds, enums, required and unknown fields, and lists with an entry twice."""
    validator = _VALIDATOR(as_json_schema(schema))
    for error in validator.iter_errors(value):
        yield from _findings(error)
    yield from _repeated(value, schema, ())


def as_json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A structural schema as JSON Schema: closed where it lists properties, and open where it says so."""
    plain = {key: value for key, value in schema.items() if not key.startswith("x-") and key not in _ANNOTATIONS}
    if schema.get("x-kubernetes-int-or-string"):
        plain["type"] = ["integer", "string"]
    if "properties" in schema:
        plain["properties"] = {name: as_json_schema(child) for name, child in schema["properties"].items()}
        plain["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    if isinstance(schema.get("additionalProperties"), dict):
        plain["additionalProperties"] = as_json_schema(schema["additionalProperties"])
    if "items" in schema:
        plain["items"] = as_json_schema(schema["items"])
    return plain


def _is_integer(_checker: Any, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < _INT64 and float(value).is_integer()


_BASE = jsonschema.Draft4Validator
_TYPES = _BASE.TYPE_CHECKER.redefine("integer", _is_integer)
_VALIDATOR: Any = jsonschema.validators.extend(_BASE, type_checker=_TYPES)  # type: ignore[no-untyped-call]


def _findings(error: jsonschema.ValidationError) -> Iterator[Finding]:
    path: Path = tuple(error.absolute_path)
    limit: Any = error.validator_value
    match str(error.validator):
        case "required":
            missing = [each for each in limit if each not in _mapping(error.instance)]
            # jsonschema tells of each missing field by itself.
            named = [each for each in missing if error.message.startswith(repr(each))]
            yield from (Finding((*path, each), "Required value", blocking=True) for each in named)
        case "additionalProperties":
            yield from _unknown(path, _mapping(error.instance), _mapping(error.schema))
        case keyword if keyword in _BLOCKING:
            yield Finding(path, _BLOCKING[keyword](error.instance, limit, field_name(path)), blocking=True)
        case keyword:
            words = f"{field_name(path)} in body should {_bound(keyword, limit)}"
            yield Finding(path, f"Invalid value: {shown(error.instance)}: {words}")


def _mapping(value: Any) -> Mapping[str, Any]:
    assert isinstance(value, Mapping)
    return value


def _type(value: Any, types: str | list[str], name: str) -> str:
    kind = _kind(value)
    wanted = types if isinstance(types, str) else ",".join(types)
    return f'Invalid value: "{kind}": {name} in body must be of type {wanted}: "{kind}"'


def _unsupported(value: Any, allowed: list[Any], _name: str) -> str:
    return f"Unsupported value: {shown(value)}: supported values: {', '.join(map(shown, allowed))}"


def _too_long(_value: Any, limit: int, _name: str) -> str:
    return f"Too long: may not be more than {limit} bytes"


def _too_many(value: Any, limit: int, _name: str) -> str:
    return f"Too many: {len(value)}: must have at most {limit} item{'' if limit == 1 else 's'}"


_BLOCKING: Mapping[str, Callable[[Any, Any, str], str]] = {
    "type": _type,
    "enum": _unsupported,
    "maxLength": _too_long,
    "maxItems": _too_many,
    "maxProperties": _too_many,
}
"""Mistakes after which the API server does not evaluate rules, by the keyword of the schema."""


def _bound(keyword: str, limit: Any) -> str:
    match keyword:
        case "minLength":
            return f"be at least {limit} chars long"
        case "minimum":
            return f"be greater than or equal to {shown(limit)}"
        case "maximum":
            return f"be less than or equal to {shown(limit)}"
        case "minItems" | "minProperties":
            return f"have at least {limit} {'items' if keyword == 'minItems' else 'properties'}"
        case "pattern":
            return f"match '{limit}'"
        case _:
            return f"meet {keyword} {shown(limit)}"


def _unknown(path: Path, value: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Finding]:
    for name in value:
        if name not in schema["properties"]:
            unknown = (*path, name)
            yield Finding(unknown, f'unknown field "{field_name(unknown)}"', unknown=True)


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "integer" if _is_integer(None, value) else "number"


def _repeated(value: Any, schema: Mapping[str, Any], path: Path) -> Iterator[Finding]:
    """Entries that a list of type set, or of type map by its keys, has already."""
    if isinstance(value, dict):
        for name, child in schema.get("properties", {}).items():
            if name in value:
                yield from _repeated(value[name], child, (*path, name))
        return
    if not isinstance(value, list) or "items" not in schema:
        return
    seen: set[str] = set()
    for place, item in enumerate(value):
        yield from _repeated(item, schema["items"], (*path, place))
        identity = _identity(item, schema)
        if identity is None:
            continue
        if identity in seen:
            yield Finding((*path, place), f"Duplicate value: {identity}")
        seen.add(identity)


def _identity(item: Any, schema: Mapping[str, Any]) -> str | None:
    match schema.get("x-kubernetes-list-type"):
        case "set":
            return json.dumps(item, ensure_ascii=False, separators=(",", ":"))
        case "map" if isinstance(item, dict):
            keys = {key: item[key] for key in sorted(schema["x-kubernetes-list-map-keys"]) if key in item}
            return json.dumps(keys, ensure_ascii=False, separators=(",", ":"))
        case _:
            return None
