"""No pod of `kserve/` may do more, or reach further, than it needs."""

from collections.abc import Sequence

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
    for service in ("producer", "consumer", "postproc", "topics"):
        ways = [
            way
            for policy in policies
            if is_selected(policy["spec"]["podSelector"], labels[service])
            for way in policy["spec"].get("egress", [])
        ]
        ports = {port["port"] for way in ways for port in way["ports"]}
        assert ports & {9092, 9094}, f"{service} reaches no Kafka"
