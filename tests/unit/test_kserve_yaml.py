"""Whatever an object of `kserve/` names, is there."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from local.stack import CHECKOUT
from tests.unit.kserve_objects import (
    KSERVE,
    OVERLAYS,
    is_selected,
    labels_of_pods,
    names,
    of_kind,
    overlay_objects,
    pods,
    selectors,
)
from tests.unit.kustomized import Manifest, containers

BY_PULUMI = {"framerail-kafka", "framerail-kafka-viewer", "framerail-cameras"}
MADE_ELSEWHERE = {
    "cluster": {"s3-access", "s3-viewer", "s3-identities", "rtsp-server", "framerail-cameras"},
    "own": BY_PULUMI | {"s3-access", "s3-viewer"},
}
"""Secrets: made by kserve/overlays/cluster/prepare or by hand; elsewhere by pulumi/workloads.py."""


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> tuple[str, Sequence[Manifest]]:
    return request.param, overlay_objects(request.param)


def test_the_objects_of_an_overlay_are_told_apart(overlay: tuple[str, Sequence[Manifest]]) -> None:
    _, manifests = overlay
    keys = [(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests]
    assert len(keys) == len(set(keys))
    namespaces = {m["metadata"].get("namespace") for m in manifests if m["kind"] != "Namespace"}
    assert namespaces == {"framerail"}


def test_every_account_configmap_secret_and_volume_that_is_named_exists(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    name, manifests = overlay
    secrets = MADE_ELSEWHERE.get(name, BY_PULUMI)
    config_maps = names(manifests, "ConfigMap")
    for manifest, spec in pods(manifests):
        account = spec.get("serviceAccountName", "default")
        assert account in {"default", *names(manifests, "ServiceAccount")}, manifest["kind"]
        claims = manifest["spec"].get("volumeClaimTemplates", [])
        mountable = {volume["name"] for volume in spec.get("volumes", [])}
        mountable |= {claim["metadata"]["name"] for claim in claims}
        for container in containers(manifest):
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= mountable
            for source in container.get("envFrom", []):
                if "configMapRef" in source:
                    assert source["configMapRef"]["name"] in config_maps
                else:
                    assert source["secretRef"]["name"] in secrets
        for volume in spec.get("volumes", []):
            if "configMap" in volume:
                assert volume["configMap"]["name"] in config_maps
            if "secret" in volume and not volume["secret"].get("optional"):
                assert volume["secret"]["secretName"] in secrets


def test_selectors_find_pods_and_services_find_ports(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    _, manifests = overlay
    labels = labels_of_pods(manifests)
    for manifest in of_kind(manifests, "Deployment", "StatefulSet"):
        assert is_selected(
            manifest["spec"]["selector"], manifest["spec"]["template"]["metadata"]["labels"]
        )
    chosen = [m["spec"]["selector"] for m in of_kind(manifests, "Service", "PodDisruptionBudget")]
    chosen += [s for m in of_kind(manifests, "NetworkPolicy") for s in selectors(m["spec"])]
    for selector in chosen:
        assert any(is_selected(selector, of_pod) for of_pod in labels), selector
    for service in of_kind(manifests, "Service"):
        served = [
            manifest
            for manifest in of_kind(manifests, "Deployment", "StatefulSet")
            if is_selected(
                service["spec"]["selector"], manifest["spec"]["template"]["metadata"]["labels"]
            )
        ] or of_kind(manifests, "ServingRuntime")
        ports = [p for m in served for c in containers(m) for p in c.get("ports", [])]
        offered = {p["containerPort"] for p in ports} | {p["name"] for p in ports if "name" in p}
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in offered, service["metadata"]["name"]


def test_disruption_budgets_are_for_what_may_run_more_than_once_and_never_hold_a_node(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    _, manifests = overlay
    budgets = {b["metadata"]["name"]: b["spec"] for b in of_kind(manifests, "PodDisruptionBudget")}
    assert set(budgets) == {"consumer", "ssd"}
    for spec in budgets.values():
        assert spec["maxUnavailable"] == 1
        assert "minAvailable" not in spec
    (model,) = of_kind(manifests, "InferenceService")
    assert model["spec"]["predictor"]["maxReplicas"] > 1


def test_probes_ask_ports_that_their_container_opens(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    _, manifests = overlay
    for manifest in of_kind(manifests, "Deployment", "StatefulSet", "ServingRuntime"):
        for container in containers(manifest):
            if container["image"].startswith("framerail/camera"):
                continue  # serves nothing
            ports = container["ports"]
            opened = {p["containerPort"] for p in ports} | {p.get("name") for p in ports}
            for kind in ("readinessProbe", "livenessProbe"):
                (how,) = [
                    container[kind][k] for k in ("httpGet", "tcpSocket") if k in container[kind]
                ]
                assert how["port"] in opened, container["name"]


def test_no_image_floats_and_each_of_ours_has_a_dockerfile(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    _, manifests = overlay
    texts = [
        path.read_text() for path in CHECKOUT.glob("**/*Dockerfile") if ".venv" not in str(path)
    ]
    for manifest in manifests:
        for container in containers(manifest):
            name, _, tag = container["image"].rpartition(":")
            assert name, container["image"]
            assert tag != "latest"
            if name.startswith("framerail/"):
                assert any(f"-t {name} " in text for text in texts), name


@pytest.mark.parametrize("name", OVERLAYS)
def test_kubectl_renders_what_these_tests_read(name: str) -> None:
    kubectl = shutil.which(os.environ.get("KUBECTL", "kubectl"))
    if kubectl is None:
        pytest.skip("no kubectl on PATH, nor named by KUBECTL: read with our own small renderer")
    folder = KSERVE / "overlays" / name
    said = subprocess.run([kubectl, "kustomize", folder], capture_output=True, check=True).stdout
    assert _comparable(yaml.safe_load_all(said)) == _comparable(overlay_objects(name))


def _comparable(manifests: Any) -> dict[tuple[str, str], Any]:
    text = yaml.safe_dump(list(manifests))
    # The hash that kustomize adds to the name of a generated ConfigMap.
    plain = yaml.safe_load(re.sub(r"\bkafka-settings-[a-z0-9]{10}\b", "kafka-settings", text))
    return {(m["kind"], m["metadata"]["name"]): m for m in plain}
