"""The bundle for the Operator Lifecycle Manager, from the manifests of deploy/operator, the definition and the
examples: a ClusterServiceVersion, what stands beside it, and the metadata by which a catalog takes it.

OLM takes no ValidatingAdmissionPolicy and no ClusterServingRuntime: those are applied apart (README.md beside this)."""

from __future__ import annotations

import base64
import json
import tomllib
from pathlib import Path
from typing import Any

import yaml

from deploy.generated_files import HEADER, block_yaml

FOLDER = Path(__file__).parent
BUNDLE = FOLDER / "bundle"
REPOSITORY = FOLDER.parents[1]
_OPERATOR = REPOSITORY / "deploy" / "operator"
_EXAMPLES = ("minimal.yaml", "full.yaml")
_PACKAGE = "churn-operator"
_CHANNEL = "candidate-v0"
_CREATED = "2026-11-26T00:00:00Z"

Object = dict[str, Any]


def rendered() -> dict[Path, str]:
    """Every file of the bundle with its text."""
    objects = _objects()
    manifests = {
        f"{_PACKAGE}.clusterserviceversion.yaml": service_version(objects),
        "churnmodels.churnops.dev.yaml": _document(REPOSITORY / "deploy" / "crds" / "churnmodels.churnops.dev.yaml"),
        f"{_PACKAGE}-settings.yaml": _settings(),
        f"{_PACKAGE}-metrics.yaml": _unplaced(objects["Service", f"{_PACKAGE}-metrics"]),
        "churnmodels-view.yaml": objects["ClusterRole", "churnmodels-view"],
        "churnmodels-edit.yaml": objects["ClusterRole", "churnmodels-edit"],
    }
    files = {BUNDLE / "manifests" / name: _text(manifest) for name, manifest in manifests.items()}
    files[BUNDLE / "metadata" / "annotations.yaml"] = _text({"annotations": _annotations()})
    files[BUNDLE / "tests" / "scorecard" / "config.yaml"] = _text(_scorecard())
    files[FOLDER / "bundle.Dockerfile"] = _dockerfile()
    return files


def service_version(objects: dict[tuple[str, str], Object]) -> Object:
    """The ClusterServiceVersion."""
    version = _version()
    deployment = objects["Deployment", _PACKAGE]
    rules = [
        rule for name in (_PACKAGE, f"{_PACKAGE}-dataset-secrets") for rule in objects["ClusterRole", name]["rules"]
    ]
    return {
        "apiVersion": "operators.coreos.com/v1alpha1",
        "kind": "ClusterServiceVersion",
        "metadata": {
            "name": f"{_PACKAGE}.v{version}",
            "namespace": "placeholder",
            "annotations": {
                "alm-examples": json.dumps([_example(name) for name in _EXAMPLES], indent=2),
                "capabilities": "Deep Insights",
                "categories": "AI/Machine Learning",
                "containerImage": _image("operator", version),
                "createdAt": _CREATED,
                "description": "Owns the whole life of a customer-churn model, on Kubeflow Pipelines and KServe",
                "repository": "https://github.com/churnops/churn-operator",
                "support": "churnops",
            },
        },
        "spec": {
            "displayName": "Churn operator",
            "description": _description(),
            "version": version,
            "maturity": "alpha",
            "minKubeVersion": "1.30.0",
            "provider": {"name": "churnops"},
            "maintainers": [{"name": "churnops", "email": "maintainers@churnops.dev"}],
            "keywords": ["mlops", "churn", "kubeflow", "kserve", "canary"],
            "links": [{"name": "Documentation", "url": "https://github.com/churnops/churn-operator"}],
            "icon": [{"base64data": _icon(), "mediatype": "image/svg+xml"}],
            "installModes": [
                {"type": mode, "supported": mode == "AllNamespaces"}
                for mode in ("OwnNamespace", "SingleNamespace", "MultiNamespace", "AllNamespaces")
            ],
            "customresourcedefinitions": {"owned": [_owned()]},
            "install": {
                "strategy": "deployment",
                "spec": {
                    "clusterPermissions": [{"serviceAccountName": _PACKAGE, "rules": rules}],
                    "deployments": [
                        {"name": _PACKAGE, "label": deployment["metadata"]["labels"], "spec": _pod(deployment, version)}
                    ],
                },
            },
            "relatedImages": [
                {"name": name, "image": _image(name, version)} for name in ("operator", "trainer", "serving")
            ],
        },
    }


def _pod(deployment: Object, version: str) -> Object:
    spec: Object = json.loads(json.dumps(deployment["spec"]))
    spec["template"]["spec"]["containers"][0]["image"] = _image("operator", version)
    return spec


def _owned() -> Object:
    definition = _document(REPOSITORY / "deploy" / "crds" / "churnmodels.churnops.dev.yaml")["spec"]
    version = definition["versions"][0]
    return {
        "name": f"{definition['names']['plural']}.{definition['group']}",
        "kind": definition["names"]["kind"],
        "version": version["name"],
        "displayName": "Churn model",
        "description": version["schema"]["openAPIV3Schema"]["description"],
        "resources": [
            {"kind": "InferenceService", "name": "", "version": "v1beta1"},
            {"kind": "HTTPRoute", "name": "", "version": "v1"},
        ],
        "specDescriptors": [
            {"path": "dataset.uri", "displayName": "Data", "description": "Where the customers are."},
            {"path": "rollbackTo", "displayName": "Roll back to", "description": "The version to serve."},
        ],
        "statusDescriptors": [
            {"path": "phase", "displayName": "Phase", "description": "A summary."},
            {"path": "url", "displayName": "URL", "description": "Where the model answers."},
            {
                "path": "conditions",
                "displayName": "Conditions",
                "description": "What is so, and why.",
                "x-descriptors": ["urn:alm:descriptor:io.kubernetes.conditions"],
            },
        ],
    }


def _settings() -> Object:
    lines = (_OPERATOR / "settings.env").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{_PACKAGE}-settings", "labels": _labels()},
        "data": dict(pairs),
    }


def _annotations() -> dict[str, str]:
    return {
        "operators.operatorframework.io.bundle.mediatype.v1": "registry+v1",
        "operators.operatorframework.io.bundle.manifests.v1": "manifests/",
        "operators.operatorframework.io.bundle.metadata.v1": "metadata/",
        "operators.operatorframework.io.bundle.package.v1": _PACKAGE,
        "operators.operatorframework.io.bundle.channels.v1": _CHANNEL,
        "operators.operatorframework.io.bundle.channel.default.v1": _CHANNEL,
        "operators.operatorframework.io.test.mediatype.v1": "scorecard+v1",
        "operators.operatorframework.io.test.config.v1": "tests/scorecard/",
    }


def _scorecard() -> Object:
    image = "quay.io/operator-framework/scorecard-test:v1.42.0"
    suites = {"basic": ["basic-check-spec"], "olm": ["olm-bundle-validation", "olm-crds-have-validation"]}
    tests = [
        {"entrypoint": ["scorecard-test", test], "image": image, "labels": {"suite": suite, "test": f"{test}-test"}}
        for suite, names in suites.items()
        for test in names
    ]
    return {
        "apiVersion": "scorecard.operatorframework.io/v1alpha3",
        "kind": "Configuration",
        "metadata": {"name": "config"},
        "stages": [{"parallel": True, "tests": tests}],
    }


def _dockerfile() -> str:
    labels = "".join(f"LABEL {name}={value}\n" for name, value in _annotations().items())
    copies = "".join(f"COPY bundle/{part} /{part}/\n" for part in ("manifests", "metadata", "tests/scorecard"))
    return f"{HEADER}FROM scratch\n\n{labels}\n{copies}"


def _description() -> str:
    return (
        "You write one object, a `ChurnModel`. The operator has the model trained by Kubeflow Pipelines, holds it to a "
        "gate, and brings it into service on KServe by a canary, or leaves the version in service where it is and "
        "says why.\n\n"
        "Before it works it needs Kubeflow Pipelines, KServe, and in its namespace the Secret `churn-artifacts` with "
        "`AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. Settings are environment variables: set them in "
        "`spec.config.env` of the Subscription."
    )


def _icon() -> str:
    return base64.b64encode((FOLDER / "icon.svg").read_bytes()).decode()


def _objects() -> dict[tuple[str, str], Object]:
    found = {}
    for file in _OPERATOR.glob("*.yaml"):
        if file.name != "kustomization.yaml":
            for each in yaml.safe_load_all(file.read_text(encoding="utf-8")):
                found[each["kind"], each["metadata"]["name"]] = each
    return found


def _unplaced(manifest: Object) -> Object:
    metadata = {name: value for name, value in manifest["metadata"].items() if name != "namespace"}
    return {**manifest, "metadata": metadata}


def _example(name: str) -> Object:
    models: list[Object] = [
        each
        for each in yaml.safe_load_all((REPOSITORY / "examples" / name).read_text(encoding="utf-8"))
        if each["kind"] == "ChurnModel"
    ]
    [model] = models
    return model


def _document(file: Path) -> Object:
    found: Object = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def _labels() -> dict[str, str]:
    return {"app.kubernetes.io/name": _PACKAGE, "app.kubernetes.io/instance": _PACKAGE}


def _image(name: str, version: str) -> str:
    return f"ghcr.io/churnops/churn-{name}:{version}"


def _version() -> str:
    return str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def _text(document: Object) -> str:
    return HEADER + block_yaml(document)
