"""The chart, rendered by Helm's own engine and held against the schemas of several Kubernetes versions.

No cluster takes part: what is checked is what would be sent to one.
"""

from __future__ import annotations

import copy
import shutil
from pathlib import Path
from typing import Any, Iterator

import helm_python as helm
import kubernetes_validate
import pytest
import yaml

CHART = Path(__file__).resolve().parents[2] / "helm" / "carillon"

# The oldest version that Chart.yaml admits, one in between, and the newest that there is a schema for.
KUBERNETES = ["1.30", "1.33", "1.37"]

# Values that switch every optional part on or off, and names that YAML would read as something else.
VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": {
        "fullnameOverride": "bells",
        "replicas": 5,
        "loops": 3,
        "image": {
            "repository": "images.example/carillon",
            "digest": "sha256:" + "a" * 64,
            "pullPolicy": "Always",
            "pullSecrets": ["pull-one", "pull-two"],
        },
        "service": {"type": "LoadBalancer", "port": 8443, "annotations": {"example.com/scheme": "internal"}},
        "serviceAccount": {"annotations": {"example.com/role": "carillon"}},
        "podDisruptionBudget": {"maxUnavailable": "25%"},
        "reflection": {"enabled": True},
        "metrics": {"enabled": True, "port": 9500, "secretName": "bells-metrics", "key": "metrics.key"},
        "podLabels": {"team": "notifications"},
        "podAnnotations": {"example.com/note": "yes"},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "dedicated", "operator": "Equal", "value": "carillon", "effect": "NoSchedule"}],
    },
    "least": {
        "replicas": 1,
        "migration": {"enabled": False},
        "serviceAccount": {"create": False},
        "podDisruptionBudget": {"enabled": False},
        "worker": {"enabled": False},
        "drain": {"preStopSeconds": 0},
        "resources": {"requests": None, "limits": None},
    },
    "awkward names": {
        "fullnameOverride": "null",
        "tls": {"secretName": "1e3"},
        "database": {"secretName": "0123", "urlKey": "true", "workerUrlKey": "null", "ownerUrlKey": "12"},
        "operator": {"secretName": "no", "key": "1"},
        "secrets": {"secretName": "77", "key": "off"},
    },
}


@pytest.fixture(scope="module")
def chart() -> Iterator[helm.Chart]:
    with helm.Chart.load(str(CHART)) as loaded:
        yield loaded


def render(chart: helm.Chart, values: dict[str, Any], name: str = "demo") -> list[dict[str, Any]]:
    chart.validate_schema(values)
    files = chart.render(values, name=name, namespace="prod")
    return [
        document
        for path, text in files.items()
        if path.endswith(".yaml")
        for document in yaml.safe_load_all(text)
        if document
    ]


def only(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [document for document in documents if document["kind"] == kind]
    return found


def pod_of(document: dict[str, Any]) -> dict[str, Any]:
    return document["spec"]["template"]["spec"]


def container_of(document: dict[str, Any]) -> dict[str, Any]:
    [container] = pod_of(document)["containers"]
    return container


def environment_of(document: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry for entry in container_of(document)["env"]}


def paths_without_comment(text: str) -> list[str]:
    """The keys of a values file that no comment stands above, those of a `resources:` block apart."""
    missing, previous, inside_resources = [], "", False
    for line in text.splitlines():
        stripped = line.strip()
        if not line.startswith(" "):
            inside_resources = stripped == "resources:"
        is_key = stripped and not stripped.startswith("#") and ":" in stripped
        opens_section = is_key and stripped.endswith(":")
        if is_key and not opens_section and not inside_resources and not previous.startswith("#"):
            missing.append(stripped)
        previous = stripped
    return missing


# MARK: What Kubernetes says


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_document_is_valid(chart: helm.Chart, variant: str, version: str) -> None:
    documents = render(chart, VARIANTS[variant])
    assert documents
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)


def test_the_validation_can_fail(chart: helm.Chart) -> None:
    deployment = copy.deepcopy(only(render(chart, {}), "Deployment"))
    container_of(deployment)["livenessProbes"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, KUBERNETES[0], strict=True)


def test_helm_lint_finds_nothing() -> None:
    report = helm.lint(str(CHART), strict=True, kube_version="v1.33.0")
    assert report["total_charts_linted"] == 1
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] >= 2] == []


def test_which_kinds_are_made(chart: helm.Chart) -> None:
    def kinds(variant: str) -> list[str]:
        return sorted(document["kind"] for document in render(chart, VARIANTS[variant]))

    assert kinds("defaults") == ["Deployment", "Job", "PodDisruptionBudget", "Service", "ServiceAccount"]
    assert kinds("least") == ["Deployment", "Service"]


def test_names_and_labels_are_strings(chart: helm.Chart) -> None:
    for document in render(chart, VARIANTS["awkward names"], name="123"):
        assert isinstance(document["metadata"]["name"], str)
        assert all(isinstance(value, str) for value in document["metadata"]["labels"].values())
    documents = render(chart, {}, name="my.release")
    assert only(documents, "Service")["metadata"]["name"] == "my-release-carillon"


# MARK: Secrets


def test_secrets_are_referred_to_and_never_made(chart: helm.Chart) -> None:
    documents = render(chart, {})
    assert not [document for document in documents if document["kind"] in ("Secret", "ConfigMap")]
    deployment = only(documents, "Deployment")
    environment = environment_of(deployment)
    keys = {
        "CARILLON_DATABASE_URL": "url", "CARILLON_DATABASE_WORKER_URL": "worker-url",
        "CARILLON_DATABASE_OWNER_URL": "owner-url",
    }  # fmt: skip
    for name, key in keys.items():
        assert "value" not in environment[name]
        assert environment[name]["valueFrom"] == {"secretKeyRef": {"name": "carillon-database", "key": key}}
    sources = {volume["name"]: volume["secret"]["secretName"] for volume in pod_of(deployment)["volumes"]}
    assert sources == {"tls": "carillon-tls", "operator": "carillon-operator", "secrets": "carillon-secrets"}


def test_files_named_in_the_environment_are_mounted(chart: helm.Chart) -> None:
    deployment = only(render(chart, {"operator": {"key": "operator.key"}}), "Deployment")
    provided = set()
    volumes = {volume["name"]: volume["secret"] for volume in pod_of(deployment)["volumes"]}
    for mount in container_of(deployment)["volumeMounts"]:
        assert mount["readOnly"] is True
        secret = volumes[mount["name"]]
        assert secret["defaultMode"] == 0o440
        # A Secret of type kubernetes.io/tls always has these two keys.
        files = [item["path"] for item in secret["items"]] if "items" in secret else ["tls.crt", "tls.key"]
        provided |= {f"{mount['mountPath']}/{file}" for file in files}
    environment = environment_of(deployment)
    wanted = {entry["value"] for entry in environment.values() if entry.get("value", "").startswith("/")}
    assert wanted == provided
    assert volumes["operator"]["items"] == [{"key": "operator.key", "path": "key"}]


def test_clients_may_show_certificates(chart: helm.Chart) -> None:
    deployment = only(render(chart, {"tls": {"clientCaKey": "ca.crt"}}), "Deployment")
    environment = environment_of(deployment)
    [mount] = [one for one in container_of(deployment)["volumeMounts"] if one["name"] == "tls"]
    assert environment["CARILLON_TLS_CLIENT_CA"]["value"] == f"{mount['mountPath']}/ca.crt"
    # Without "optional" no probe of the kubelet would get through.
    assert environment["CARILLON_TLS_CLIENT_CERTIFICATES"]["value"] == "optional"
    assert "CARILLON_TLS_CLIENT_CA" not in environment_of(only(render(chart, {}), "Deployment"))


def test_metrics_are_shown_with_a_key_where_they_are_wanted(chart: helm.Chart) -> None:
    quiet = only(render(chart, {}), "Deployment")
    assert not [name for name in environment_of(quiet) if "METRICS" in name]
    assert [port["name"] for port in container_of(quiet)["ports"]] == ["https"]
    shown = only(render(chart, VARIANTS["everything"]), "Deployment")
    environment = environment_of(shown)
    assert environment["CARILLON_METRICS_LISTEN"]["value"] == "0.0.0.0:9500"
    # Without it the process would not start, as others than the pod reach the port.
    [mount] = [one for one in container_of(shown)["volumeMounts"] if one["name"] == "metrics"]
    assert environment["CARILLON_METRICS_KEY_FILE"]["value"] == f"{mount['mountPath']}/key"
    [volume] = [one for one in pod_of(shown)["volumes"] if one["name"] == "metrics"]
    assert volume["secret"]["secretName"] == "bells-metrics"
    assert volume["secret"]["items"] == [{"key": "metrics.key", "path": "key"}]
    assert {port["name"]: port["containerPort"] for port in container_of(shown)["ports"]} == {
        "https": 8443, "metrics": 9500,
    }  # fmt: skip
    # The world's way in leads to the calls only.
    [port] = only(render(chart, VARIANTS["everything"]), "Service")["spec"]["ports"]
    assert port["targetPort"] == "https"
    with pytest.raises(helm.HelmRenderError, match="another port"):
        render(chart, {"metrics": {"enabled": True, "port": 8443}})


def test_connections_age(chart: helm.Chart) -> None:
    values = {"connection": {"maxAgeSeconds": 0, "maxAgeGraceSeconds": 60, "maxIdleSeconds": 900}}
    environment = environment_of(only(render(chart, values), "Deployment"))
    said = {name: environment[f"CARILLON_CONNECTION_{name}"]["value"] for name in ("MAX_AGE", "MAX_AGE_GRACE", "MAX_IDLE")}
    assert said == {"MAX_AGE": "0", "MAX_AGE_GRACE": "60", "MAX_IDLE": "900"}


@pytest.mark.parametrize(("values", "said"), [({}, "30"), ({"connection": {"pingIntervalSeconds": 300}}, "300")])
def test_clients_ping_so_often(chart: helm.Chart, values: dict[str, Any], said: str) -> None:
    environment = environment_of(only(render(chart, values), "Deployment"))
    assert environment["CARILLON_CONNECTION_PING_INTERVAL"]["value"] == said


@pytest.mark.parametrize(("values", "said"), [({}, "500"), ({"connection": {"maxHandshakeRate": 0}}, "0")])
def test_addresses_have_a_rate_of_handshakes(chart: helm.Chart, values: dict[str, Any], said: str) -> None:
    environment = environment_of(only(render(chart, values), "Deployment"))
    assert environment["CARILLON_CONNECTION_MAX_HANDSHAKE_RATE"]["value"] == said


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, ("2000", "10000", "50000", "10000", "0")),
        (
            {
                "limits": {
                    "tenantCalls": 5000, "tenantStreams": 1000000, "tenantCallRate": 1000000, "tenantEventRate": 0,
                    "tenantRows": 1000000000000,
                }
            },
            ("5000", "1000000", "1000000", "0", "1000000000000"),
        ),
    ],
)
def test_tenants_have_bounds(chart: helm.Chart, values: dict[str, Any], said: tuple[str, str]) -> None:
    environment = environment_of(only(render(chart, values), "Deployment"))
    names = ("CALLS", "STREAMS", "CALL_RATE", "EVENT_RATE", "ROWS")
    assert tuple(environment[f"CARILLON_LIMITS_TENANT_{name}"]["value"] for name in names) == said


def test_the_migration_knows_the_owner_only(chart: helm.Chart) -> None:
    job = only(render(chart, {}), "Job")
    environment = environment_of(job)
    assert set(environment) == {"CARILLON_DATABASE_OWNER_URL", "CARILLON_LOG_LEVEL"}
    assert environment["CARILLON_DATABASE_OWNER_URL"]["valueFrom"]["secretKeyRef"]["key"] == "owner-url"
    assert "volumes" not in pod_of(job)


# MARK: The pods


@pytest.mark.parametrize("variant", VARIANTS)
def test_pods_are_restricted(chart: helm.Chart, variant: str) -> None:
    documents = render(chart, VARIANTS[variant])
    workloads = [document for document in documents if document["kind"] in ("Deployment", "Job")]
    assert workloads
    for workload in workloads:
        pod, container = pod_of(workload), container_of(workload)
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    for document in documents:
        if document["kind"] == "ServiceAccount":
            assert document["automountServiceAccountToken"] is False


def test_probes_ask_the_main_port_over_tls(chart: helm.Chart) -> None:
    container = container_of(only(render(chart, {"listenPort": 9443}), "Deployment"))
    asked = {
        name: container[name]["httpGet"] for name in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert {get["scheme"] for get in asked.values()} == {"HTTPS"}
    assert {get["port"] for get in asked.values()} == {"https"}
    assert [get["path"] for get in asked.values()] == ["/livez", "/readyz", "/livez"]
    assert container["ports"] == [{"name": "https", "containerPort": 9443, "protocol": "TCP"}]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert environment["CARILLON_LISTEN"] == "0.0.0.0:9443"


def render_for(version: str, folder: Path, values: dict[str, Any]) -> list[dict[str, Any]]:
    """Renders for a version of Kubernetes. The renderer cannot be told which, so a copy of the chart is."""
    copied = Path(shutil.copytree(CHART, folder / "carillon"))
    helpers = copied / "templates" / "_helpers.tpl"
    asked = ".root.Capabilities.KubeVersion.Version"
    assert helpers.read_text().count(asked) == 1
    helpers.write_text(helpers.read_text().replace(asked, f'"{version}"'))
    with helm.Chart.load(str(copied)) as changed:
        return render(changed, values)


@pytest.mark.parametrize("version", ["v1.37.0-alpha.1", "v1.37.2", "v1.40.0"])
def test_grpc_probes_ask_over_tls(tmp_path: Path, version: str) -> None:
    values = {"probes": {"grpc": {"enabled": True}}, "listenPort": 9443}
    deployment = only(render_for(version, tmp_path, values), "Deployment")
    container = container_of(deployment)
    services = {"startupProbe": "liveness", "readinessProbe": "readiness", "livenessProbe": "liveness"}
    for name, service in services.items():
        assert container[name]["grpc"] == {"port": 9443, "service": service, "mode": "TLS"}
        assert "httpGet" not in container[name]
    kubernetes_validate.validate(deployment, "1.37", strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.33", strict=True)


def test_grpc_probes_need_a_kubelet_that_can(tmp_path: Path) -> None:
    with pytest.raises(helm.HelmRenderError, match="needs Kubernetes 1.37 or newer"):
        render_for("v1.36.4", tmp_path, {"probes": {"grpc": {"enabled": True}}})


@pytest.mark.parametrize(("pre_stop", "grace"), [(5, 25), (0, 1), (300, 600)])
def test_the_pod_outlives_its_drain(chart: helm.Chart, pre_stop: int, grace: int) -> None:
    values = {"drain": {"preStopSeconds": pre_stop, "graceSeconds": grace}}
    deployment = only(render(chart, values), "Deployment")
    container = container_of(deployment)
    slept = container.get("lifecycle", {"preStop": {"sleep": {"seconds": 0}}})["preStop"]["sleep"]["seconds"]
    assert slept == pre_stop
    assert environment_of(deployment)["CARILLON_DRAIN_GRACE"]["value"] == str(grace)
    assert pod_of(deployment)["terminationGracePeriodSeconds"] > slept + grace


@pytest.mark.parametrize(
    ("kind", "policy"), [("ClusterIP", None), ("NodePort", "Local"), ("LoadBalancer", "Local")]
)
def test_pods_see_their_clients_addresses(chart: helm.Chart, kind: str, policy: str | None) -> None:
    service = only(render(chart, {"service": {"type": kind}}), "Service")
    assert service["spec"].get("externalTrafficPolicy") == policy


def test_the_service_selects_the_serving_pods_only(chart: helm.Chart) -> None:
    documents = render(chart, VARIANTS["everything"])
    service, deployment, job = only(documents, "Service"), only(documents, "Deployment"), only(documents, "Job")
    selector = service["spec"]["selector"].items()
    assert selector <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert deployment["spec"]["selector"]["matchLabels"].items() == selector
    assert only(documents, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() == selector
    assert not selector <= job["spec"]["template"]["metadata"]["labels"].items()
    [port] = service["spec"]["ports"]
    assert (port["targetPort"], port["appProtocol"]) == ("https", "https")


def test_the_migration_runs_before_the_pods(chart: helm.Chart) -> None:
    documents = render(chart, {})
    job = only(documents, "Job")
    annotations = job["metadata"]["annotations"]
    assert annotations["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert "before-hook-creation" in annotations["helm.sh/hook-delete-policy"]
    assert container_of(job)["command"] == ["carillon", "migrate"]
    assert container_of(job)["image"] == container_of(only(documents, "Deployment"))["image"]
    assert pod_of(job)["restartPolicy"] == "Never"
    # What the chart itself makes comes after the hook: the Job must not need it.
    made = {document["metadata"]["name"] for document in documents if document["kind"] == "ServiceAccount"}
    assert pod_of(job)["serviceAccountName"] not in made


@pytest.mark.parametrize(("values", "parallel"), [({}, "4"), ({"migration": {"parallel": 16}}, "16")])
def test_the_migration_is_tried_again_where_that_helps(
    chart: helm.Chart, values: dict[str, Any], parallel: str
) -> None:
    job = only(render(chart, values), "Job")
    assert container_of(job)["args"] == ["--parallel", parallel]
    assert job["spec"]["backoffLimit"] == 3
    [rule] = job["spec"]["podFailurePolicy"]["rules"]
    # EX_USAGE and EX_CONFIG stay what they are, however often it is tried.
    assert rule["action"] == "FailJob" and rule["onExitCodes"]["values"] == [64, 78]
    assert rule["onExitCodes"]["containerName"] == container_of(job)["name"]
    assert pod_of(job)["terminationGracePeriodSeconds"] >= 30


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "carillon:0.1.0"),
        ({"tag": "1.2.3"}, "carillon:1.2.3"),
        ({"tag": "1.2.3", "digest": "sha256:" + "b" * 64}, "carillon@sha256:" + "b" * 64),
    ],
)
def test_the_image(chart: helm.Chart, image: dict[str, str], expected: str) -> None:
    assert container_of(only(render(chart, {"image": image}), "Deployment"))["image"] == expected


# MARK: Values

WRONG_VALUES: dict[str, dict[str, Any]] = {
    "unknown key": {"replicaCount": 3},
    "unknown inner key": {"image": {"name": "carillon"}},
    "a connection string": {"database": {"url": "postgresql://carillon:hunter2@db/carillon"}},
    "an operator key": {"operator": {"value": "cr_adm_secret"}},
    "an empty secret name": {"tls": {"secretName": ""}},
    "a secret name in capitals": {"tls": {"secretName": "Carillon_TLS"}},
    "a text for a number": {"replicas": "two"},
    "a negative number": {"replicas": -1},
    "a privileged port": {"listenPort": 443},
    "root": {"runAsId": 0},
    "an unknown level": {"log": {"level": "verbose"}},
    "an unknown service type": {"service": {"type": "ExternalName"}},
    "an unknown traffic policy": {"service": {"externalTrafficPolicy": "Nearby"}},
    "a broken digest": {"image": {"digest": "sha256:abc"}},
    "a number as annotation": {"podAnnotations": {"x": 1}},
    "no grace": {"drain": {"graceSeconds": 0}},
    "a word for a switch": {"reflection": {"enabled": "yes"}},
    "an age that is no age": {"connection": {"maxAgeSeconds": 5}},
    "pings without a pause": {"connection": {"pingIntervalSeconds": 5}},
    "a rate below nothing": {"connection": {"maxHandshakeRate": -1}},
    "a privileged port for metrics": {"metrics": {"port": 443}},
    "a key for metrics": {"metrics": {"value": "a-key-that-is-long-enough"}},
    "no calls": {"limits": {"tenantCalls": 0}},
    "a rate below none": {"limits": {"tenantCallRate": -1}},
    "a rate beyond counting": {"limits": {"tenantEventRate": 1000001}},
    "no streams": {"limits": {"tenantStreams": 0}},
    "a broken quantity": {"resources": {"limits": {"memory": "lots"}}},
    "a budget of nothing": {"podDisruptionBudget": {"maxUnavailable": "0%"}},
}


@pytest.mark.parametrize("case", WRONG_VALUES)
def test_wrong_values_are_refused(chart: helm.Chart, case: str) -> None:
    with pytest.raises(helm.HelmValuesError):
        chart.validate_schema(WRONG_VALUES[case])


def test_the_schema_names_every_value_and_no_other(chart: helm.Chart) -> None:
    def walk(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
        assert schema["additionalProperties"] is False, path
        assert set(values) == set(schema["properties"]) - {"global"}, path
        for key, value in values.items():
            inner = schema["properties"][key]
            # Resources may name more than the defaults do; maps of the user's own have no properties.
            if "properties" in inner and key != "resources":
                walk(value, inner, f"{path}.{key}")

    schema = chart.schema
    assert schema is not None
    walk(chart.values, schema, "")


def test_every_value_has_a_comment() -> None:
    assert paths_without_comment((CHART / "values.yaml").read_text()) == []
    assert paths_without_comment("# said\na: 1\nb: 2\nc:\n  d: 3\n") == ["b: 2", "d: 3"]


def test_the_notes_name_what_must_be_there(chart: helm.Chart) -> None:
    files = chart.render({"database": {"secretName": "other-db"}}, name="demo", namespace="prod")
    [notes] = [text for path, text in files.items() if path.endswith("NOTES.txt")]
    for name in ("carillon-tls", "other-db", "carillon-operator", "carillon-secrets", "demo-carillon.prod.svc"):
        assert name in notes
