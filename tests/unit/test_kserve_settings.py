"""What the objects of `kserve/` tell the services, the code understands."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from consumer.settings import ConsumerSettings
from local.prepare import kafka_server, mediamtx_server
from local.servers.kafka_broker import PROPERTIES
from local.stack import CHECKOUT
from postproc.settings import PostprocSettings
from producer.settings import ProducerSettings
from runtime.settings import ENV_PREFIX, SECRETS_DIR_VARIABLE, ServiceSettings, load_settings
from tests.unit.kserve_objects import KSERVE, OVERLAYS, of_kind, only, overlay_objects
from tests.unit.kustomized import Manifest, containers, render
from viewer.settings import ViewerSettings, parse_targets

SETTINGS: dict[str, type[ServiceSettings]] = {
    "producer": ProducerSettings,
    "topics": ProducerSettings,
    "consumer": ConsumerSettings,
    "postproc": PostprocSettings,
    "viewer": ViewerSettings,
}


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> tuple[str, Sequence[Manifest]]:
    return request.param, overlay_objects(request.param)


def test_every_setting_is_one_that_the_code_knows(overlay: tuple[str, Sequence[Manifest]]) -> None:
    _, manifests = overlay
    known = {ENV_PREFIX + name.upper() for cls in SETTINGS.values() for name in cls.model_fields}
    given = set(only(manifests, "ConfigMap", "framerail-settings")["data"])
    for manifest in manifests:
        given |= {entry["name"] for c in containers(manifest) for entry in c.get("env", [])}
    ours = {name for name in given if name.startswith(ENV_PREFIX)}
    assert ours - known == {SECRETS_DIR_VARIABLE}


@pytest.mark.parametrize("service", SETTINGS)
def test_each_service_starts_with_the_settings_of_its_pod(
    overlay: tuple[str, Sequence[Manifest]],
    service: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    _, manifests = overlay
    kind = {"producer": "StatefulSet", "topics": "Job"}.get(service, "Deployment")
    (container,) = containers(only(manifests, kind, service))
    environment = dict(only(manifests, "ConfigMap", "framerail-settings")["data"])
    environment |= {entry["name"]: entry.get("value", "0") for entry in container.get("env", [])}
    (tmp_path / "framerail_kafka_password").write_text("secret")
    (tmp_path / "ca.pem").write_text("certificate")
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert mounts[environment[SECRETS_DIR_VARIABLE]] == "secrets"
    environment[SECRETS_DIR_VARIABLE] = str(tmp_path)
    if "FRAMERAIL_KAFKA_CA_FILE" in environment:
        environment["FRAMERAIL_KAFKA_CA_FILE"] = str(tmp_path / "ca.pem")
    for name in [name for name in os.environ if name.startswith(ENV_PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(SETTINGS[service])
    assert settings.http_port == 8080
    assert settings.http_host == "0.0.0.0"  # noqa: S104 - inside a container


def test_the_viewer_asks_every_pod_of_every_service_where_its_metrics_are(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    _, manifests = overlay
    settings = only(manifests, "ConfigMap", "framerail-settings")["data"]
    targets = parse_targets(settings["FRAMERAIL_METRICS_URLS"])
    assert [target.name for target in targets] == ["producer", "consumer", "postproc"]
    for target in targets:
        assert target.host == f"{target.name}.framerail.svc"
        assert str(target.port) == settings["FRAMERAIL_HTTP_PORT"]
        service = only(manifests, "Service", target.name)["spec"]
        # One address for each pod, also of those that still wait for something.
        assert (service["clusterIP"], service["publishNotReadyAddresses"]) == ("None", True)


def test_the_page_is_served_where_its_service_leads(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    _, manifests = overlay
    settings = only(manifests, "ConfigMap", "framerail-settings")["data"]
    (container,) = containers(only(manifests, "Deployment", "viewer"))
    opened = {port["name"]: str(port["containerPort"]) for port in container["ports"]}
    assert opened["page"] == settings["FRAMERAIL_VIEWER_PORT"]
    led = {port["port"]: port["targetPort"] for port in _ports(manifests, "viewer")}
    assert led == {80: "page", 8080: "http"}
    # A port-forward asks for localhost; another name has to be allowed first.
    assert "FRAMERAIL_VIEWER_ALLOWED_HOSTS" not in settings
    assert "localhost" in ViewerSettings.model_fields["viewer_allowed_hosts"].default


def _ports(manifests: Sequence[Manifest], service: str) -> list[Manifest]:
    ports: list[Manifest] = only(manifests, "Service", service)["spec"]["ports"]
    return ports


def test_the_scaler_signs_in_to_kafka_as_the_consumer_of_its_overlay_does() -> None:
    manifests = overlay_objects("keda")
    settings = only(manifests, "ConfigMap", "framerail-settings")["data"]
    _, trigger = only(manifests, "ScaledObject", "consumer")["spec"]["triggers"]
    assert trigger["type"] == "kafka"
    assert (trigger["metadata"]["tls"], trigger["metadata"]["sasl"]) == ("enable", "scram_sha512")
    assert settings["FRAMERAIL_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"
    assert settings["FRAMERAIL_KAFKA_SASL_MECHANISM"] == "SCRAM-SHA-512"
    assert trigger["metadata"]["bootstrapServersFromEnv"] in settings
    assert trigger["metadata"]["consumerGroup"] == settings["FRAMERAIL_CONSUMER_GROUP"]
    wanted = only(manifests, "TriggerAuthentication", "consumer-kafka")["spec"]
    assert {each["key"] for each in wanted["configMapTargetRef"]} <= set(settings)


def test_there_are_as_many_producers_as_shards(overlay: tuple[str, Sequence[Manifest]]) -> None:
    _, manifests = overlay
    producer = only(manifests, "StatefulSet", "producer")
    (container,) = containers(producer)
    environment = {entry["name"]: entry for entry in container["env"]}
    assert environment["FRAMERAIL_SHARD_COUNT"]["value"] == str(producer["spec"]["replicas"])
    ordinal = environment["FRAMERAIL_SHARD_INDEX"]["valueFrom"]["fieldRef"]["fieldPath"]
    assert ordinal == "metadata.labels['apps.kubernetes.io/pod-index']"


def test_a_pod_has_longer_to_end_than_its_service_takes(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    _, manifests = overlay
    for service in ("producer", "consumer", "postproc", "viewer"):
        kind = "StatefulSet" if service == "producer" else "Deployment"
        grace_s = only(manifests, kind, service)["spec"]["template"]["spec"][
            "terminationGracePeriodSeconds"
        ]
        assert grace_s > SETTINGS[service].model_fields["stop_timeout_s"].default + 10
    predictor = only(manifests, "InferenceService", "ssd")["spec"]["predictor"]
    assert predictor["terminationGracePeriodSeconds"] > 5 + 20 + 10


def test_the_model_server_listens_where_the_services_look(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    name, manifests = overlay
    runtime = only(manifests, "ServingRuntime", "triton")
    (container,) = containers(runtime)
    # KServe gives the first port the number 80.
    assert [port["containerPort"] for port in container["ports"]] == [8080, 9000, 8002]
    model = only(manifests, "InferenceService", "ssd")["spec"]["predictor"]["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    assert model["modelFormat"] in [
        {"name": known["name"], "version": known["version"]}
        for known in runtime["spec"]["supportedModelFormats"]
    ]
    started = (CHECKOUT / "serving" / "Dockerfile").read_text()
    if name == "nvidia":
        started = "\n".join(container["args"])
    for port in ("http-port=8080", "grpc-port=9000", "metrics-port=8002"):
        assert f"--{port}" in started
    settings = only(manifests, "ConfigMap", "framerail-settings")["data"]
    assert settings["FRAMERAIL_TRITON_ADDRESS"] == "ssd-replicas.framerail.svc:9000"
    repository = CHECKOUT / "model_repository" / settings["FRAMERAIL_MODEL_NAME"]
    assert (repository / settings["FRAMERAIL_MODEL_VERSION"] / "model.onnx").is_file()


def test_the_broker_of_the_cluster_has_the_settings_of_the_embedded_one() -> None:
    def settings(text: str) -> dict[str, str]:
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return dict(line.split("=", 1) for line in lines)

    ours = settings((KSERVE / "overlays" / "cluster" / "kafka.properties").read_text())
    embedded = settings(PROPERTIES)
    of_the_place = {
        name
        for name in embedded
        if name.endswith("listeners") or name in ("log.dirs", "controller.quorum.voters")
    }
    assert set(ours) == set(embedded)
    assert {n: v for n, v in ours.items() if n not in of_the_place} == {
        n: v for n, v in embedded.items() if n not in of_the_place
    }


def test_the_servers_of_the_cluster_are_those_of_the_embedded_stack() -> None:
    images = {
        container["image"]
        for manifest in render(KSERVE / "overlays" / "cluster")
        for container in containers(manifest)
    }
    compose = yaml.safe_load((CHECKOUT / "compose.yaml").read_text())["services"]
    assert {compose[name]["image"] for name in ("kafka", "rtsp", "s3")} <= images
    assert f"apache/kafka:{kafka_server.VERSION}" in images
    assert f"bluenviron/mediamtx:{mediamtx_server.VERSION[1:]}" in images
    built = (CHECKOUT / "tests" / "cluster" / "images" / "build").read_text()
    assert all(f" {image} " in built for image in images if not image.startswith("framerail/"))


def test_what_the_pods_on_aws_ask_for_fits_its_one_node() -> None:
    """Of the 3.9 of four cores that EKS leaves to pods; add-ons and KServe ask for some 0.7."""
    manifests = overlay_objects("aws")
    predictor = only(manifests, "InferenceService", "ssd")["spec"]["predictor"]
    replicas = (
        predictor["maxReplicas"] + predictor["deploymentStrategy"]["rollingUpdate"]["maxSurge"]
    )
    asked = replicas * _cores(predictor["model"]["resources"]["requests"]["cpu"])
    for manifest in of_kind(manifests, "Deployment", "StatefulSet", "Job"):
        surge = 2 if manifest["kind"] == "Deployment" else 1
        asked += sum(
            surge * _cores(c["resources"]["requests"]["cpu"]) for c in containers(manifest)
        )
    assert asked + 0.7 <= 3.9


def _cores(quantity: str) -> float:
    return float(quantity[:-1]) / 1000 if quantity.endswith("m") else float(quantity)
