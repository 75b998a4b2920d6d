"""What cannot run here is at least accepted: by Kubernetes, KServe's webhooks and KEDA's schema."""

import json
from collections.abc import Iterator

import pytest

from tests.cluster.kubectl import kubectl, read

NAMESPACE = "framerail-dry-run"

pytestmark = pytest.mark.usefixtures("cluster")


@pytest.fixture(scope="module")
def empty_namespace() -> Iterator[str]:
    """A namespace of the same strictness in which nothing runs."""
    kubectl("create", "namespace", NAMESPACE)
    restricted = "pod-security.kubernetes.io/warn=restricted"
    kubectl("label", "namespace", NAMESPACE, restricted)
    yield NAMESPACE
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.mark.parametrize("overlay", ["aws", "nvidia", "keda", "own", "cluster"])
def test_the_api_server_accepts_every_object_of_an_overlay(
    overlay: str, empty_namespace: str
) -> None:
    rendered = kubectl("kustomize", f"kserve/overlays/{overlay}")
    moved = rendered.replace("namespace: framerail\n", f"namespace: {empty_namespace}\n")
    said = kubectl(
        *("apply", "--dry-run=server", "--validate=strict", "--filename=-"),
        given=moved,
        namespace=empty_namespace,
    )
    assert said.count("\n") == rendered.count("\n---\n") + 1


@pytest.mark.usefixtures("system")
def test_a_second_runtime_of_the_same_format_and_priority_is_refused() -> None:
    """So a component with another runtime has to replace ours, not to stand beside it."""
    runtime = read("servingruntime", "triton")
    second = {
        "apiVersion": runtime["apiVersion"],
        "kind": runtime["kind"],
        "metadata": {"name": "triton-again", "namespace": "framerail"},
        "spec": runtime["spec"],
    }
    with pytest.raises(AssertionError, match="priority"):
        kubectl("apply", "--dry-run=server", "--filename=-", given=json.dumps(second))
