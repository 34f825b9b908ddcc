"""The CustomResourceDefinition, generated from the pydantic models."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from churn_operator.api.v1alpha1.common import DNS_LABEL_PATTERN, GROUP, KIND, PLURAL, VERSION
from churn_operator.api.v1alpha1.spec import ChurnModelSpec
from churn_operator.api.v1alpha1.status import ChurnModelStatus

NAME_LIMIT = 40
"""Longest name: KServe and Knative append `-predictor-00001` to it within 63 characters."""

_NOT_YET_SEEN = {"observedGeneration": 0}
"""Status before the first pass. kstatus, and so Flux and `kubectl wait`, takes an object without one for finished."""

_KEPT = {
    "type", "description", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems",
    "maxItems", "minProperties", "maxProperties", "required", "format",
}  # fmt: skip


def structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Turn pydantic's JSON schema into Kubernetes' structural subset of OpenAPI 3.

    References are inlined, and `null` alternatives dropped (absent is Kubernetes' null).
    """
    node = _resolved(schema, definitions)
    kept = {key: value for key, value in node.items() if key in _KEPT or key.startswith("x-kubernetes-")}
    if node.get("type") == "object" and "maxLength" in kept:
        kept["maxProperties"] = kept.pop("maxLength")
    if "properties" in node:
        kept["properties"] = {name: structural(child, definitions) for name, child in node["properties"].items()}
    if "items" in node:
        kept["items"] = structural(node["items"], definitions)
    values = node.get("additionalProperties")
    if isinstance(values, dict) and "anyOf" in values:
        # A map whose values have no one type: CEL sees only whether it is there, so absent is its only empty.
        return {**kept, "x-kubernetes-preserve-unknown-fields": True}
    if isinstance(values, dict):
        kept["additionalProperties"] = structural(values, definitions)
    if node.get("default") is not None:
        kept["default"] = _default_of(kept) if "properties" in kept else node["default"]
    return kept


def _default_of(structural_object: dict[str, Any]) -> dict[str, Any]:
    """The default of an object, spelled out, since the API server checks its rules before it fills it in."""
    properties = structural_object["properties"].items()
    return {name: child["default"] for name, child in properties if "default" in child}


def _resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema with its reference, or its only alternative that is not null, merged in."""
    node = dict(schema)
    for alternative in node.pop("anyOf", []):
        if alternative.get("type") != "null":
            node = {**_resolved(alternative, definitions), **node}
    if "$ref" in node:
        target = definitions[node.pop("$ref").rsplit("/", 1)[1]]
        node = {**_resolved(target, definitions), **node}
    return node


def _schema_of(model: type[ChurnModelSpec] | type[ChurnModelStatus]) -> dict[str, Any]:
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return structural(schema, schema.get("$defs", {}))


def _columns() -> list[dict[str, Any]]:
    def column(name: str, path: str, kind: str = "string", wide: bool = False) -> dict[str, Any]:
        return {"name": name, "type": kind, "jsonPath": path, **({"priority": 1} if wide else {})}

    return [
        column("Phase", ".status.phase"),
        column("Stable", ".status.rollout.stable", "integer"),
        column("Candidate", ".status.rollout.candidate", "integer"),
        column("Traffic", ".status.traffic"),
        column("ROC AUC", ".status.rocAuc"),
        column("Ready", '.status.conditions[?(@.type=="Ready")].status'),
        column("Age", ".metadata.creationTimestamp", "date"),
        column("Run", ".status.training.runName", wide=True),
        column("Drift", ".status.drift", wide=True),
        column("Next run", ".status.nextRun", wide=True),
        column("URL", ".status.url", wide=True),
    ]


def custom_resource_definition() -> dict[str, Any]:
    """The whole CustomResourceDefinition of ChurnModel."""
    schema = {
        "type": "object",
        "description": "A customer-churn model with its whole life: training, gate, rollout, rollback, retraining.",
        "required": ["spec"],
        "x-kubernetes-validations": [
            {
                "rule": f"size(self.metadata.name) <= {NAME_LIMIT}",
                "message": f"metadata.name is too long: at most {NAME_LIMIT} characters, since revisions append to it",
            },
            {
                "rule": f"self.metadata.name.matches('{DNS_LABEL_PATTERN}')",
                "message": "metadata.name must be a DNS label: lower case letters, digits and dashes, without dots",
            },
        ],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}."},
            "kind": {"type": "string", "description": f"{KIND}."},
            "metadata": {"type": "object"},
            "spec": _schema_of(ChurnModelSpec),
            "status": {**_schema_of(ChurnModelStatus), "default": dict(_NOT_YET_SEEN)},
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["chm"],
                "categories": ["mlops"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": _columns(),
                }
            ],
        },
    }


def manifest() -> str:
    """The CustomResourceDefinition as the YAML text that is committed in crds/."""
    header = "# Generated from churn_operator.api by `make generate`; do not edit.\n"
    return header + yaml.dump(custom_resource_definition(), Dumper=_PlainDumper, sort_keys=False, width=110)


class _PlainDumper(yaml.SafeDumper):
    """Writes shared parts out instead of referring to them by anchors, which people cannot read."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the CustomResourceDefinition, or with --check compare: 1 when the file differs from the models."""
    parser = argparse.ArgumentParser(prog="python -m churn_operator.api.crd", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file differs")
    parser.add_argument("--directory", type=Path, default=Path("crds"), help="folder of the file (default: crds)")
    wishes = parser.parse_args(arguments)
    file = wishes.directory / f"{PLURAL}.{GROUP}.yaml"
    if not wishes.check:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(manifest(), encoding="utf-8")
        return 0
    if file.is_file() and file.read_text(encoding="utf-8") == manifest():
        return 0
    print(f"{file} differs from the models of churn_operator.api: run `make generate` and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
