"""The Helm chart: it lints, renders what kustomize renders, and a real API server takes it in every mode."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from churn_devcluster.control_plane import ControlPlane
from churn_devcluster.errors import DevclusterError

from .conftest import ACCOUNT, CHART, NAMESPACE, REPOSITORY, Object, Render, Template
from .test_manifests import dry_run, find, pod_of

pytestmark = pytest.mark.cluster

_NAMESPACED: Object = {"watchNamespaces": ["team-a", "team-b"], "settings": {"trafficDriver": "knative"}}
_MONITORING: Object = {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
_DIGEST = "sha256:" + "0" * 64
_HOST = "churn.example.com"
_INGRESS: Object = {"ingress": {"enabled": True, "host": _HOST, "tlsSecret": "churn-webapp-tls"}}
_HTTP_ROUTE: Object = {
    "httpRoute": {"enabled": True, "host": _HOST, "parentRefs": [{"name": "web", "namespace": "gateways"}]}
}

_AS_KUSTOMIZE: dict[str, tuple[Object, str, tuple[str, ...]]] = {
    "default": ({}, "operator", ()),
    "namespaced": (_NAMESPACED, "overlays/namespaced", ()),
    "two replicas": ({"replicas": 2}, "operator", ("two-replicas",)),
    "network policy": ({"networkPolicy": {"enabled": True}}, "operator", ("network-policy",)),
    "monitoring": (_MONITORING, "operator", ("monitoring",)),
    "web app": ({"webapp": {"enabled": True}}, "operator", ("webapp",)),
    "web app, by an Ingress": ({"webapp": {"enabled": True, **_INGRESS}}, "operator", ("webapp", "webapp-ingress")),
    "web app, by an HTTPRoute": (
        {"webapp": {"enabled": True, **_HTTP_ROUTE}},
        "operator",
        ("webapp", "webapp-http-route"),
    ),
    "namespaced, with the web app": ({**_NAMESPACED, "webapp": {"enabled": True}}, "overlays/namespaced-webapp", ()),
    "pipelines token": ({"pipelinesToken": {"enabled": True}}, "operator", ("pipelines-token",)),
    "namespaced, with the Gateway API": (
        {**_NAMESPACED, "settings": {"trafficDriver": "gateway"}},
        "overlays/namespaced",
        ("gateway-driver",),
    ),
    "all": (
        {
            "replicas": 2,
            "networkPolicy": {"enabled": True},
            "pipelinesToken": {"enabled": True},
            "webapp": {"enabled": True},
            **_MONITORING,
        },
        "operator",
        (
            "pipelines-token",
            "two-replicas",
            "network-policy",
            "monitoring",
            "webapp",
            "webapp-network-policy",
            "webapp-monitoring",
        ),
    ),
}

_MORE: dict[str, Object] = {
    "digests": {
        "image": {"digest": _DIGEST},
        "trainer": {"image": {"digest": _DIGEST}},
        "servingRuntime": {"image": {"digest": _DIGEST}},
    },
    "scheduling": {
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
        "priorityClassName": "system-cluster-critical",
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
        ],
    },
    "labels": {
        "extraLabels": {"team": "retention", "app.kubernetes.io/part-of": "mlops"},
        "podLabels": {"sidecar.istio.io/inject": "false", "team": "platform"},
        "serviceMonitor": {"enabled": True, "labels": {"release": "monitoring", "team": "monitoring"}},
        "prometheusRule": {"enabled": True, "labels": {"release": "monitoring", "team": "monitoring"}},
        "webapp": {"enabled": True},
        "podAnnotations": {"example.com/note": "yes"},
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/churn"}},
    },
    "names": {"fullnameOverride": "models", "nameOverride": "models", "serviceAccount": {"name": "modeller"}},
    "another secret": {
        "artifactStore": {
            "existingSecret": "minio",
            "accessKeyIdKey": "accesskey",
            "secretAccessKeyKey": "secretkey",
            "regionKey": "region",
        },
        "imagePullSecrets": [{"name": "registry"}],
        "servingRuntime": {"imagePullSecrets": [{"name": "registry"}]},
        "image": {"pullPolicy": "Always"},
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}],
    },
    "settings": {
        "settings": {"workers": 4, "resyncSeconds": 1200000, "logLevel": "debug", "cloudeventsSink": "http://broker"}
    },
    "the least": {
        "crds": {"install": False},
        "rbac": {"create": False, "aggregateToDefaultRoles": False},
        "serviceAccount": {"create": False, "name": "given"},
        "servingRuntime": {"create": False},
        "admissionPolicy": {"create": False},
    },
    "network peers": {
        "networkPolicy": {
            "enabled": True,
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "egress": {"objectStore": {"ports": [9000], "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}},
        }
    },
    "stopped": {"replicas": 0},
    "ids that the cluster chooses": {
        "podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
        "webapp": {"enabled": True},
    },
    "another way to the web app": {
        "webapp": {
            "enabled": True,
            "settings": {"trustedProxies": 0},
            "ingress": {
                "enabled": True,
                "className": "nginx",
                "annotations": {"nginx.ingress.kubernetes.io/proxy-body-size": "16m"},
                "host": _HOST,
            },
            "sessionSecret": "",
        }
    },
    "roles of a cloud": {
        "artifactStore": {"existingSecret": ""},
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/churn"}},
        "webapp": {
            "enabled": True,
            "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/churn-webapp"}},
        },
    },
}
_ALL = {name: values for name, (values, _, _) in _AS_KUSTOMIZE.items()} | _MORE


@pytest.fixture(params=_ALL, ids=[name.replace(" ", "-") for name in _ALL])
def rendered(request: pytest.FixtureRequest, template: Template) -> list[Object]:
    """The chart in one of its modes."""
    return template(_ALL[request.param])


@pytest.fixture(scope="module")
def namespaces(installed: ControlPlane) -> None:
    for name in ("team-a", "team-b", "kserve"):
        installed.create_namespace(name)


def comparable(manifests: list[Object]) -> dict[tuple[str, str, str], Object]:
    """Objects by kind, namespace and name, without what each tool adds for itself: Helm's labels and its keeping of
    definitions, and the way in which each starts new pods when settings change (a checksum, a suffix)."""
    found = {}
    for original in manifests:
        manifest = copy.deepcopy(original)
        metadata = manifest["metadata"]
        for label in ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"):
            metadata.get("labels", {}).pop(label, None)
        match manifest["kind"]:
            case "CustomResourceDefinition":
                annotations = metadata.pop("annotations", {})
                assert annotations in ({}, {"helm.sh/resource-policy": "keep"})
            case "ConfigMap":
                metadata["name"] = _without_suffix(metadata["name"])
            case "Deployment":
                template = manifest["spec"]["template"]
                annotations = template["metadata"].get("annotations", {})
                annotations.pop("checksum/settings", None)
                if not annotations:
                    template["metadata"].pop("annotations", None)
                for container in template["spec"]["containers"]:
                    for source in container["envFrom"]:
                        source["configMapRef"]["name"] = _without_suffix(source["configMapRef"]["name"])
        found[manifest["kind"], metadata.get("namespace", ""), metadata["name"]] = manifest
    assert len(found) == len(manifests)
    return found


def _without_suffix(name: str) -> str:
    before, mark, _ = name.partition("-settings")
    return before + mark


def overlay(folder: Path, base: str, components: tuple[str, ...], **literals: str) -> Path:
    """A kustomization in `folder` of a base and components of the repository, with settings of its own."""

    def relative(path: str) -> str:
        return str(Path(*[".."] * len(folder.parts[1:])) / (REPOSITORY / "deploy" / path).relative_to("/"))

    settings = {
        "name": "churn-operator-settings",
        "namespace": NAMESPACE,
        "behavior": "merge",
        "literals": [f"{name}={value}" for name, value in literals.items()],
    }
    kustomization: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [relative(base)],
        "components": [relative(f"components/{name}") for name in components],
        "configMapGenerator": [settings] if literals else [],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return folder


def test_helm_finds_nothing_to_say(helm: Path) -> None:
    for values in (_ALL["default"], _ALL["all"], _MORE["the least"]):
        done = subprocess.run(
            [helm, "lint", "--strict", CHART, "--values", "-"],
            input=yaml.safe_dump(values),
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "WARNING" not in done.stdout


@pytest.mark.parametrize("mode", _AS_KUSTOMIZE, ids=[mode.replace(" ", "-") for mode in _AS_KUSTOMIZE])
def test_it_renders_what_kustomize_renders(mode: str, template: Template, render: Render, tmp_path: Path) -> None:
    values, base, components = _AS_KUSTOMIZE[mode]
    literals = {"CHURN_TRAFFIC_DRIVER": "gateway"} if "gateway-driver" in components else {}
    by_helm = comparable(template(values))
    by_kustomize = comparable(render(overlay(tmp_path, base, components, **literals)))
    # Helm makes the namespace by --create-namespace.
    namespace = by_kustomize.pop(("Namespace", "", NAMESPACE))
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert by_helm.keys() == by_kustomize.keys()
    for key, manifest in by_helm.items():
        assert manifest == by_kustomize[key], key


def test_the_api_server_takes_every_object_in_every_mode(
    installed: ControlPlane, namespaces: None, rendered: list[Object]
) -> None:
    answers = dry_run(installed, {"apiVersion": "v1", "kind": "List", "items": rendered}).splitlines()
    assert len(answers) == len(rendered)
    assert all(answer.endswith("serverside-applied (server dry run)") for answer in answers)


def test_the_pod_is_admitted_to_a_restricted_namespace_in_every_mode(
    installed: ControlPlane, rendered: list[Object]
) -> None:
    for deployment in (each for each in rendered if each["kind"] == "Deployment"):
        template = deployment["spec"]["template"]
        metadata = {**template["metadata"], "name": "a-pod", "namespace": NAMESPACE}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        assert "created (server dry run)" in dry_run(installed, pod, "create")


def test_the_api_server_takes_what_the_olm_bundle_has_beside_its_service_version(
    installed: ControlPlane, namespaces: None
) -> None:
    folder = REPOSITORY / "deploy" / "olm" / "bundle" / "manifests"
    manifests = {file.name: yaml.safe_load(file.read_text()) for file in folder.glob("*.yaml")}
    version = manifests.pop("churn-operator.clusterserviceversion.yaml")
    examples = json.loads(version["metadata"]["annotations"]["alm-examples"])
    [deployment] = version["spec"]["install"]["spec"]["deployments"]
    metadata = {"name": deployment["name"], "labels": deployment["label"]}
    made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment["spec"]}
    items = [each | {"metadata": {"namespace": "team-a"} | each["metadata"]} for each in (*examples, made)]
    assert dry_run(installed, {"apiVersion": "v1", "kind": "List", "items": [*manifests.values(), *items]})


def test_a_selector_selects_the_pods_of_one_deployment(rendered: list[Object]) -> None:
    pods = [each["spec"]["template"]["metadata"]["labels"].items() for each in rendered if each["kind"] == "Deployment"]
    services = [each["metadata"].get("labels", {}).items() for each in rendered if each["kind"] == "Service"]
    for manifest in rendered:
        spec = manifest.get("spec", {})
        match manifest["kind"]:
            case "Deployment" | "PodDisruptionBudget":
                selector, among = spec["selector"]["matchLabels"], pods
            case "NetworkPolicy":
                selector, among = spec["podSelector"]["matchLabels"], pods
            case "Service":
                selector, among = spec["selector"], pods
            case "ServiceMonitor":
                selector, among = spec["selector"]["matchLabels"], services
            case _:
                continue
        assert [selector.items() <= labels for labels in among].count(True) == 1, manifest["metadata"]["name"]


def test_a_service_monitor_asks_a_port_of_the_service_that_it_selects(template: Template) -> None:
    rendered = template({**_MONITORING, "webapp": {"enabled": True}})
    monitors = [each for each in rendered if each["kind"] == "ServiceMonitor"]
    assert [each["metadata"]["name"] for each in monitors] == ["churn-operator", "churn-operator-webapp"]
    for monitor in monitors:
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        services = [each for each in rendered if each["kind"] == "Service"]
        [service] = [each for each in services if wanted <= each["metadata"]["labels"].items()]
        [endpoint] = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
        assert endpoint["honorLabels"] is True


def test_a_digest_goes_before_a_tag(template: Template) -> None:
    rendered = template(_MORE["digests"] | {"image": {"digest": _DIGEST, "tag": "0.2.0"}})
    images = [
        pod_of(rendered)["spec"]["containers"][0]["image"],
        find(rendered, "ConfigMap", "churn-operator-settings")["data"]["CHURN_TRAINER_IMAGE"],
        find(rendered, "ClusterServingRuntime", "churn-serving")["spec"]["containers"][0]["image"],
    ]
    assert images == [f"ghcr.io/churnops/churn-{name}@{_DIGEST}" for name in ("operator", "trainer", "serving")]


def test_a_label_of_somewhere_goes_before_one_of_everywhere(template: Template) -> None:
    rendered = template(_MORE["labels"])
    deployment = find_exactly(rendered, "churn-operator")
    assert deployment["metadata"]["labels"]["team"] == "retention"
    assert deployment["spec"]["template"]["metadata"]["labels"]["team"] == "platform"
    for kind in ("ServiceMonitor", "PrometheusRule"):
        labels = [each["metadata"]["labels"] for each in rendered if each["kind"] == kind]
        assert {(each["team"], each["app.kubernetes.io/instance"]) for each in labels} == {("monitoring", ACCOUNT)}


def test_every_image_is_pulled_with_the_secrets_that_are_named(template: Template) -> None:
    rendered = template(_MORE["another secret"])
    specs = [pod_of(rendered)["spec"], find(rendered, "ClusterServingRuntime", "churn-serving")["spec"]]
    assert [spec["imagePullSecrets"] for spec in specs] == [[{"name": "registry"}]] * 2


def test_a_large_number_stays_one(template: Template) -> None:
    data = find(template(_MORE["settings"]), "ConfigMap", "churn-operator-settings")["data"]
    assert data["CHURN_RESYNC_SECONDS"] == "1200000"
    assert data["CHURN_WORKERS"] == "4"


def test_another_release_has_names_of_its_own(template: Template) -> None:
    first, second = (
        template(),
        template({"crds": {"install": False}, "rbac": {"aggregateToDefaultRoles": False}}, "second"),
    )
    shared = comparable(first).keys() & comparable(second).keys()
    # There is one runtime of the name that the operator asks for.
    assert {kind for kind, _, _ in shared} == {"ClusterServingRuntime"}


def test_the_web_app_reads_and_writes_nothing_by_itself(template: Template) -> None:
    rendered = template({"webapp": {"enabled": True}})
    role = find(rendered, "ClusterRole", "churn-operator-webapp")
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"get", "list"}
    assert {resource for rule in role["rules"] for resource in rule["resources"]} == {"churnmodels", "events"}


def environment_of(manifests: list[Object], deployment: str) -> dict[str, Object]:
    """The variables of its container, by name."""
    pod = find(manifests, "Deployment", deployment)["spec"]["template"]["spec"]
    return {each["name"]: each for each in pod["containers"][0]["env"]}


def test_a_way_to_the_web_app_ends_at_its_service(template: Template) -> None:
    rendered = template({"webapp": {"enabled": True, "service": {"port": 8000}, **_INGRESS, **_HTTP_ROUTE}})
    [port] = find(rendered, "Service", "churn-operator-webapp")["spec"]["ports"]
    [rule] = find(rendered, "Ingress", "churn-operator-webapp")["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "churn-operator-webapp", "port": {"name": port["name"]}}
    [routed] = find(rendered, "HTTPRoute", "churn-operator-webapp")["spec"]["rules"][0]["backendRefs"]
    assert routed == {"name": "churn-operator-webapp", "port": port["port"]}


@pytest.mark.parametrize(
    ("webapp", "trusted"),
    [({}, None), (_INGRESS, "1"), (_HTTP_ROUTE, "1"), (_MORE["another way to the web app"]["webapp"], "0")],
    ids=["no-proxy", "ingress", "http-route", "as-told"],
)
def test_a_proxy_is_trusted_where_there_is_one(template: Template, webapp: Object, trusted: str | None) -> None:
    found = environment_of(template({"webapp": {"enabled": True, **webapp}}), "churn-operator-webapp")
    assert found.get("CHURN_TRUSTED_PROXIES", {}).get("value") == trusted


@pytest.mark.parametrize(("who", "policy"), [("operator", "churn-operator"), ("web app", "churn-operator-webapp")])
def test_a_network_policy_lets_pass_what_the_guide_lists(template: Template, who: str, policy: str) -> None:
    guide = (REPOSITORY / "docs" / "how-to" / "install.md").read_text()
    rows = re.findall(r"^\| (both|operator|web app) \| [^|]+ \| ([^|]+) \| `(\w+)` \|$", guide, re.MULTILINE)
    listed = {int(port) for whom, ports, _ in rows if whom in ("both", who) for port in re.findall(r"\d+", ports)}
    rendered = template({"networkPolicy": {"enabled": True}, "webapp": {"enabled": True}})
    [found] = [each for each in rendered if (each["kind"], each["metadata"]["name"]) == ("NetworkPolicy", policy)]
    assert listed
    assert {port["port"] for rule in found["spec"]["egress"] for port in rule["ports"]} == listed
    dns = [(port["protocol"], port["port"]) for port in found["spec"]["egress"][0]["ports"]]
    assert {("UDP", 53), ("TCP", 53)} <= set(dns)
    values = json.loads((CHART / "values.schema.json").read_text())["properties"]["networkPolicy"]["properties"]
    assert {value for _, _, value in rows} == set(values["egress"]["properties"])


def test_the_key_of_sessions_is_in_a_secret_that_may_be_missing(template: Template) -> None:
    key = environment_of(template({"webapp": {"enabled": True}}), "churn-operator-webapp")["CHURN_SECRET_KEY"]
    assert key["valueFrom"] == {"secretKeyRef": {"name": "churn-webapp-session", "key": "secret-key", "optional": True}}


def test_no_service_becomes_a_setting_in_any_mode(rendered: list[Object]) -> None:
    """A Service churn-metrics would be CHURN_METRICS_PORT=tcp://…, which is no port."""
    pods = [each["spec"]["template"]["spec"] for each in rendered if each["kind"] == "Deployment"]
    assert [pod["enableServiceLinks"] for pod in pods] == [False] * len(pods)


def test_where_the_cluster_chooses_ids_none_is_fixed(template: Template) -> None:
    rendered = template(_MORE["ids that the cluster chooses"])
    for deployment in (each for each in rendered if each["kind"] == "Deployment"):
        assert deployment["spec"]["template"]["spec"]["securityContext"] == {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }


def test_no_secret_is_rendered_in_any_mode(rendered: list[Object]) -> None:
    assert [each["metadata"]["name"] for each in rendered if each["kind"] == "Secret"] == []


def test_where_a_role_opens_the_store_no_credentials_are_asked_for(template: Template) -> None:
    rendered = template(_MORE["roles of a cloud"])
    for deployment in [each["metadata"]["name"] for each in rendered if each["kind"] == "Deployment"]:
        assert not {name for name in environment_of([find_exactly(rendered, deployment)], deployment) if "AWS" in name}
    accounts = [each for each in rendered if each["kind"] == "ServiceAccount"]
    assert [len(each["metadata"]["annotations"]) for each in accounts] == [1, 1]


def find_exactly(manifests: list[Object], deployment: str) -> Object:
    [found] = [each for each in manifests if (each["kind"], each["metadata"]["name"]) == ("Deployment", deployment)]
    return found


@pytest.mark.parametrize("component", ["webapp-ingress", "webapp-http-route"])
def test_the_patch_that_a_component_shows_sets_its_host(component: str, render: Render, tmp_path: Path) -> None:
    text = (REPOSITORY / "deploy" / "components" / component / "kustomization.yaml").read_text()
    shown = "\n".join(line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   "))
    folder = overlay(tmp_path, "operator", ("webapp", component))
    file = folder / "kustomization.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | yaml.safe_load(shown)))
    [exposure] = [each for each in render(folder) if each["kind"] in ("Ingress", "HTTPRoute")]
    told = json.dumps(exposure)
    assert "churn.your.domain" in told
    assert _HOST not in told


def test_the_least_has_nothing_of_the_cluster(template: Template) -> None:
    rendered = template(_MORE["the least"] | _NAMESPACED | {"rbac": {"create": True, "aggregateToDefaultRoles": False}})
    assert {each["metadata"].get("namespace") for each in rendered} == {NAMESPACE, "team-a", "team-b"}


def test_the_admission_policy_is_about_the_account_that_the_pod_has(template: Template) -> None:
    rendered = template(_MORE["names"], namespace="models")
    account = pod_of_deployment(rendered)["serviceAccountName"]
    [policy] = [each for each in rendered if each["kind"] == "ValidatingAdmissionPolicy"]
    expression = policy["spec"]["matchConditions"][0]["expression"]
    assert expression.endswith(f"== 'system:serviceaccount:models:{account}'")


def pod_of_deployment(manifests: list[Object]) -> Object:
    [deployment] = [each for each in manifests if each["kind"] == "Deployment"]
    spec: Object = deployment["spec"]["template"]["spec"]
    return spec


def test_a_definition_is_upgraded_and_kept(template: Template) -> None:
    kept = find(template(), "CustomResourceDefinition", "churnmodels.churnops.dev")
    assert kept["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    gone = find(template({"crds": {"install": True, "keep": False}}), "CustomResourceDefinition", "churnmodels")
    assert "annotations" not in gone["metadata"]


def test_a_wrong_value_is_refused_with_its_place(template: Template) -> None:
    with pytest.raises(DevclusterError, match=r"/settings/artifactRoot"):
        template({"settings": {"artifactRoot": "mlops"}})
    with pytest.raises(DevclusterError, match=r"/settings/trafficDriver"):
        template({"watchNamespaces": ["team-a"]})
    with pytest.raises(DevclusterError, match=r"/webapp/ingress/host"):
        template({"webapp": {"enabled": True, "ingress": {"enabled": True}}})
    with pytest.raises(DevclusterError, match=r"replicaCount"):
        template({"replicaCount": 2})


def notes_of(helm: Path, cluster: ControlPlane, values: Object) -> str:
    """What `helm install` would say."""
    command = [
        helm, "install", "churn-operator", CHART, "--namespace", NAMESPACE, "--dry-run=client",
        "--kubeconfig", cluster.kubeconfig, "--output", "json", "--values", "-",
    ]  # fmt: skip
    done = subprocess.run(
        command, input=yaml.safe_dump(values), check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["info"]["notes"])


def test_its_notes_say_what_is_still_to_be_done(helm: Path, installed: ControlPlane) -> None:
    notes = notes_of(helm, installed, {"artifactStore": {"existingSecret": "minio"}})
    assert "watches all namespaces" in notes
    assert "create secret generic minio" in notes
    assert "The one in kubeflow is to be named churn-artifacts" in notes


def test_its_notes_say_where_the_web_app_is_and_what_keeps_its_logins(helm: Path, installed: ControlPlane) -> None:
    forwarded = notes_of(helm, installed, {"webapp": {"enabled": True}})
    assert "port-forward service/churn-operator-webapp" in forwarded
    assert "create secret generic churn-webapp-session --from-literal=secret-key=" in forwarded
    for exposure in (_INGRESS, _HTTP_ROUTE):
        notes = notes_of(helm, installed, {"webapp": {"enabled": True, **exposure}})
        assert f"https://{_HOST}/" in notes
        assert "port-forward" not in notes
