"""The reference of ChurnModel, from the schema of its CustomResourceDefinition."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from churn_operator.api.crd import custom_resource_definition
from churn_operator.api.v1alpha1.availability import NOT_YET_AVAILABLE

from documentation.markdown import GENERATED, code, plain, table

Schema = Mapping[str, Any]

RULES = "x-kubernetes-validations"
LIST_KIND = "x-kubernetes-list-type"
MAP_KEYS = "x-kubernetes-list-map-keys"

INTRODUCTION = """# ChurnModel

`churnops.dev/v1alpha1`, kind `ChurnModel`, plural `churnmodels`, short name `chm`, category `mlops`. Namespaced;
`status` is a subresource. `kubectl explain churnmodel.spec --recursive` tells the same in a terminal, and
`kubectl churn lint -f file.yaml` checks a manifest by the same rules without a cluster.

A field that is marked *not available yet* is refused when it is set, never ignored.

"""


@dataclass(frozen=True)
class Part:
    """An object of the schema.

    Attributes:
        path: from the root, e.g. spec.rollout.steps[].
        schema: of the object itself, not of the list or map that holds it.
        holder: its own schema, or that of the list that holds it.
    """

    path: str
    schema: Schema
    holder: Schema


def page() -> str:
    """The whole page."""
    definition = custom_resource_definition()["spec"]["versions"][0]
    root = definition["schema"]["openAPIV3Schema"]
    sections = [_section(part) for name in ("spec", "status") for part in parts(name, root["properties"][name])]
    return GENERATED + INTRODUCTION + _names(root) + "\n" + "\n".join(sections) + "\n" + _columns(definition)


def parts(path: str, schema: Schema) -> Iterator[Part]:
    """An object and all those below it, in the order of the models."""
    held = schema.get("items") or schema
    if "properties" not in held:
        return
    here = f"{path}[]" if "items" in schema else path
    yield Part(here, held, schema)
    for name, child in held["properties"].items():
        yield from parts(f"{here}.{name}", child)


def _names(root: Schema) -> str:
    sentences = "".join(f"- {plain(sentence)}\n" for sentence in _sentences(root))
    return f"## Name\n\n{sentences}"


def _section(part: Part) -> str:
    level = "##" if "." not in part.path else "###"
    heading = f"{level} {part.path}\n\n{plain(part.schema.get('description', ''))}\n\n"
    keys = part.holder.get(MAP_KEYS, [])
    identity = f"Each has its own `{keys[0]}`; server-side apply merges by it.\n\n" if keys else ""
    rows = [_row(part, name, child) for name, child in part.schema["properties"].items()]
    fields = table(("Field", "Type", "Default", "Meaning and bounds"), rows)
    told = [*_sentences(part.holder), *(_sentences(part.schema) if part.holder is not part.schema else [])]
    told = [sentence for sentence in told if not _is_about_availability(sentence)]
    rules = "".join(f"- {plain(sentence)}\n" for sentence in told)
    return heading + identity + fields + (f"\nRefused with one of these sentences:\n\n{rules}" if rules else "")


def _row(part: Part, name: str, schema: Schema) -> tuple[str, str, str, str]:
    path = f"{part.path}.{name}"
    required = name in part.schema.get("required", [])
    default = "required" if required else code(json.dumps(schema["default"])) if _has_plain_default(schema) else ""
    meaning = [plain(schema.get("description", "")), *_bounds(schema)]
    if "properties" not in schema and "items" not in schema:
        meaning += [f"{_capital(plain(sentence))}." for sentence in _sentences(schema)]
    meaning += [f"*Not available yet: {plain(why)}.*" for why in unavailable(path)]
    return code(name), _type(path, schema), default, " ".join(meaning)


def _has_plain_default(schema: Schema) -> bool:
    return "default" in schema and "properties" not in schema


def _type(path: str, schema: Schema) -> str:
    items = schema.get("items")
    if items is not None:
        if "properties" in items:
            return f"list of [objects](#{anchor(path + '[]')})"
        return f"list of {_type(path, items)}"
    if "properties" in schema:
        return f"[object](#{anchor(path)})"
    if "additionalProperties" in schema:
        return f"map of {_type(path, schema['additionalProperties'])}"
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        return "map"
    if schema.get("x-kubernetes-int-or-string"):
        return "integer or string"
    if "enum" in schema:
        return "one of " + ", ".join(code(str(value)) for value in schema["enum"])
    return "time" if schema.get("format") == "date-time" else str(schema["type"])


_BOUNDS = (
    ("minimum", "At least {}."),
    ("maximum", "At most {}."),
    ("maxLength", "At most {} characters."),
    ("maxItems", "At most {} entries."),
    ("maxProperties", "At most {} entries."),
)


def _bounds(schema: Schema) -> list[str]:
    told = [sentence.format(_number(schema[key])) for key, sentence in _BOUNDS if key in schema]
    items = schema.get("items")
    of_items = [] if items is None or "properties" in items else _bounds(items)
    return [*told, *(f"Each {sentence[0].lower()}{sentence[1:]}" for sentence in of_items)]


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _sentences(schema: Schema) -> list[str]:
    """What the API server says when a rule is broken, each once."""
    return list(dict.fromkeys(_sentence(rule) for rule in schema.get(RULES, [])))


def _sentence(rule: Mapping[str, str]) -> str:
    if "messageExpression" not in rule:
        return rule["message"]
    # A CEL expression that puts the offending key before a text.
    told = rule["messageExpression"].rpartition(" + '")[2].rstrip("'").strip()
    return f"… {told}" if told else rule["message"]


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def unavailable(path: str) -> list[str]:
    """What availability.py says of the field at `path`: the value that is refused."""
    field = path.removeprefix("spec.")
    found = []
    for _, sentence in NOT_YET_AVAILABLE:
        subject = sentence.partition(" is not available")[0]
        name, _, value = subject.partition(": ")
        if name == field:
            found.append(f"{value} is refused" if value else "refused when set")
    return found


def _is_about_availability(sentence: str) -> bool:
    return any(sentence == told for _, told in NOT_YET_AVAILABLE)


def anchor(path: str) -> str:
    """The id that a section's heading gets, here and on GitHub alike."""
    return path.replace("[]", "").replace(".", "").lower()


def _columns(definition: Schema) -> str:
    rows = [
        (column["name"], code(column["jsonPath"]), "wide" if column.get("priority") else "")
        for column in definition["additionalPrinterColumns"]
    ]
    return "## What kubectl get shows\n\n" + table(("Column", "From", "Only with -o"), rows)
