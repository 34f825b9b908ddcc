"""The CustomResourceDefinition, generated from the pydantic models."""

from __future__ import annotations

from typing import Any

import yaml

from churn_operator.api.v1alpha1.common import DNS_LABEL_PATTERN, GROUP, KIND, PLURAL, VERSION
from churn_operator.api.v1alpha1.spec import ChurnModelSpec
from churn_operator.api.v1alpha1.status import ChurnModelStatus

NAME_LIMIT = 40
"""Longest name: KServe and Knative append `-predictor-00001` to it within 63 characters."""

_KEPT = {
    "type", "description", "enum", "pattern", "minLength", "maxLength", "minimum", "maximum", "minItems",
    "maxItems", "minProperties", "maxProperties", "required", "format",
}  # fmt: skip


def structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Turn pydantic's JSON schema into Kubernetes' structural subset of OpenAPI 3.

    References are inlined, `null` alternatives dropped (absent is Kubernetes' null), and a default of a
    nested object becomes `{}` so that the API server fills in the nested defaults itself.
    """
    node = _resolved(schema, definitions)
    kept = {key: value for key, value in node.items() if key in _KEPT or key.startswith("x-kubernetes-")}
    if "properties" in node:
        kept["properties"] = {name: structural(child, definitions) for name, child in node["properties"].items()}
    if "items" in node:
        kept["items"] = structural(node["items"], definitions)
    if isinstance(node.get("additionalProperties"), dict):
        kept["additionalProperties"] = _map_values(node["additionalProperties"], definitions)
    if node.get("type") == "object" and "maxLength" in kept:
        kept["maxProperties"] = kept.pop("maxLength")
    if node.get("default") is not None:
        kept["default"] = {} if kept.get("properties") else node["default"]
    return kept


def _map_values(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    if "anyOf" in schema:
        return {"x-kubernetes-preserve-unknown-fields": True}
    return structural(schema, definitions)


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
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": _schema_of(ChurnModelSpec),
            "status": _schema_of(ChurnModelStatus),
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
    return header + yaml.safe_dump(custom_resource_definition(), sort_keys=False, width=110)
