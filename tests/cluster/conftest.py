"""The whole system in the cluster that KUBECONFIG names, from kserve/overlays/cluster.

The tests are skipped, saying so, without such a cluster. It needs KServe, the images that
`images/build` makes, and Services that can be reached from here.
"""

import base64
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import CHECKOUT
from tests.cluster.accounts import Accounts
from tests.cluster.kubectl import NAMESPACE, eventually, kubectl, read

OVERLAY = "kserve/overlays/cluster"
CLAIMS = ("log-kafka-0", "objects-s3-0")


def _why_not() -> str | None:
    if not os.environ.get("KUBECONFIG"):
        return "KUBECONFIG names no cluster"
    if shutil.which("kubectl") is None:
        return "kubectl is not on PATH"
    crd = ["kubectl", "get", "crd", "inferenceservices.serving.kserve.io"]
    if subprocess.run(crd, capture_output=True, timeout=30, check=False).returncode:
        return "the cluster of KUBECONFIG does not answer, or has no KServe"
    try:
        socket.getaddrinfo("kubernetes.default.svc", 443)
    except OSError:
        return "Services of the cluster cannot be reached from here"
    return None


@pytest.fixture(scope="session")
def cluster() -> None:
    """Skip without a cluster; fail rather than touch a system that stands there already."""
    reason = _why_not()
    if reason is not None:
        pytest.skip(reason)
    present = kubectl("get", "namespace", NAMESPACE, "--ignore-not-found", "--output=name")
    if present:
        phase = read("namespace", NAMESPACE)["status"]["phase"]
        assert phase == "Terminating", f"namespace {NAMESPACE} is in use: delete it first"
        kubectl("wait", "--for=delete", f"namespace/{NAMESPACE}", "--timeout=120s")


@pytest.fixture(scope="session")
def volumes(cluster: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Volumes for Kafka and S3 where the cluster makes none: folders of its node, which is here.

    They must outlive pods, or a killed broker would have lost everything.
    """
    if read("storageclass")["items"]:
        yield
        return
    for claim in CLAIMS:
        folder = tmp_path_factory.mktemp(claim)
        folder.chmod(0o777)  # its pod runs as another user
        kubectl("apply", "--filename=-", given=json.dumps(_volume(claim, folder)))
    yield
    for claim in CLAIMS:
        kubectl("delete", "persistentvolume", f"framerail-{claim}", "--wait=false")


def _volume(claim: str, folder: Path) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"framerail-{claim}"},
        "spec": {
            "capacity": {"storage": "4Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {"namespace": NAMESPACE, "name": claim},
            "hostPath": {"path": str(folder), "type": "Directory"},
        },
    }


@pytest.fixture(scope="session")
def system(volumes: None) -> Iterator[None]:
    """Everything applied and ready, as README says it is done; gone afterwards."""
    try:
        subprocess.run([CHECKOUT / OVERLAY / "prepare"], check=True, timeout=60)
        kubectl("apply", "--kustomize", OVERLAY)
        kubectl("wait", "--for=condition=Ready", "inferenceservice/ssd", "--timeout=180s")
        for name in ("consumer", "postproc", "viewer"):
            kubectl("rollout", "status", f"deployment/{name}", "--timeout=120s")
        kubectl("rollout", "status", "statefulset/producer", "--timeout=120s")
        yield
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="session")
def accounts(system: None, tmp_path_factory: pytest.TempPathFactory) -> Accounts:
    """The account of the system, with the keys of its S3."""
    kept = base64.b64decode(read("secret", "s3-access")["data"]["credentials"]).decode()
    path = tmp_path_factory.mktemp("keys") / "credentials"
    path.write_text(kept.replace("[default]", "[framerail]"), encoding="utf-8")
    found = Accounts(path)
    eventually(lambda: set(found.now()) == {"cam1", "cam2"}, "both streams have a topic", 60)
    return found
