"""No pod of `kserve/` may do more, or reach further, than it needs."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import pytest

from tests.unit.kserve_objects import (
    OVERLAYS,
    is_selected,
    labels_of_pods,
    of_kind,
    only,
    overlay_objects,
    pods,
)
from tests.unit.kustomized import Manifest, containers

S3_PORTS = {"cluster": 8333, "own": 9443}
"""Elsewhere it is AWS's."""


@pytest.fixture(params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> tuple[str, Sequence[Manifest]]:
    return request.param, overlay_objects(request.param)


def test_no_pod_asks_for_more_than_it_needs(overlay: tuple[str, Sequence[Manifest]]) -> None:
    """The API server enforces the standard `restricted`; a read-only root and limits are ours."""
    _, manifests = overlay
    for manifest, spec in pods(manifests):
        context = spec.get("securityContext", {})
        if manifest["kind"] != "ServingRuntime":
            assert context["runAsNonRoot"] is True
            assert context["runAsUser"] > 0
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}
            assert spec["automountServiceAccountToken"] is False
            assert spec["enableServiceLinks"] is False
        for container in containers(manifest):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            resources = (
                container.get("resources")
                or only(manifests, "InferenceService", "ssd")["spec"]["predictor"]["model"][
                    "resources"
                ]
            )
            assert {"cpu", "memory"} <= set(resources["requests"]) & set(resources["limits"])


def test_every_way_is_shut_but_that_to_kafka_is_open_for_those_who_need_it(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    _, manifests = overlay
    policies = of_kind(manifests, "NetworkPolicy")
    (shut,) = [p["spec"] for p in policies if p["metadata"]["name"] == "default-deny"]
    assert shut == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert all(set(p["spec"]["policyTypes"]) <= {"Ingress", "Egress"} for p in policies)
    labels = {of_pod.get("app.kubernetes.io/name"): of_pod for of_pod in labels_of_pods(manifests)}
    for service in ("producer", "consumer", "postproc", "viewer", "topics"):
        ports = {port for _, port in _ways(policies, labels[service], "egress")}
        assert ports & {9092, 9094}, f"{service} reaches no Kafka"


def test_the_viewer_reaches_the_metrics_of_the_services_and_the_pictures(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    name, manifests = overlay
    policies = of_kind(manifests, "NetworkPolicy")
    labels = {of_pod.get("app.kubernetes.io/name"): of_pod for of_pod in labels_of_pods(manifests)}
    out = list(_ways(policies, labels["viewer"], "egress"))
    for service in ("producer", "consumer", "postproc"):
        come_in = _ways(policies, labels[service], "ingress")
        assert any(port == 8080 and _leads_to(peer, labels["viewer"]) for peer, port in come_in), (
            f"{service} lets no viewer in"
        )
        assert any(port == 8080 and _leads_to(peer, labels[service]) for peer, port in out)
    assert S3_PORTS.get(name, 443) in {port for _, port in out}


def test_the_page_is_open_to_nobody_in_the_cluster(
    overlay: tuple[str, Sequence[Manifest]],
) -> None:
    """It has no login. A port-forward comes through the kubelet, which no policy stops."""
    _, manifests = overlay
    policies = of_kind(manifests, "NetworkPolicy")
    (labels,) = [
        each for each in labels_of_pods(manifests) if each.get("app.kubernetes.io/name") == "viewer"
    ]
    assert {port for _, port in _ways(policies, labels, "ingress")} == {8080}
    assert not of_kind(manifests, "Ingress", "HTTPRoute", "Gateway")


def _ways(
    policies: Sequence[Manifest], labels: dict[str, str], direction: Literal["ingress", "egress"]
) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield each peer and port that a pod with these labels may talk to, or be talked to by."""
    for policy in policies:
        if is_selected(policy["spec"]["podSelector"], labels):
            for way in policy["spec"].get(direction, []):
                for peer in way["from" if direction == "ingress" else "to"]:
                    yield from ((peer, port["port"]) for port in way["ports"])


def _leads_to(peer: dict[str, Any], labels: dict[str, str]) -> bool:
    return set(peer) == {"podSelector"} and is_selected(peer["podSelector"], labels)
