"""kubectl, as the tests call it, and waits for what it tells."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from local.stack import CHECKOUT

NAMESPACE = "framerail"
PREDICTORS = "serving.kserve.io/inferenceservice=ssd"


def kubectl(*arguments: str, given: str | None = None, namespace: str = NAMESPACE) -> str:
    """Return what kubectl prints; fail the test with its words if it refuses."""
    run = subprocess.run(
        ["kubectl", "--namespace", namespace, *arguments],
        cwd=CHECKOUT,
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, f"kubectl {' '.join(arguments)}: {run.stderr}"
    return run.stdout


def read(*arguments: str) -> Any:
    """Return an object or a list of the namespace, as `kubectl get` gives it."""
    return json.loads(kubectl("get", *arguments, "--output=json"))


def pods(selector: str) -> list[dict[str, Any]]:
    """Return the pods with these labels that are not being ended."""
    found = read("pods", f"--selector={selector}")["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether Kubernetes sends requests to the pod."""
    conditions = pod["status"].get("conditions", [])
    return {"Ready": "True"}.items() <= {c["type"]: c["status"] for c in conditions}.items()


def ready_pods(selector: str) -> list[str]:
    """Return the names of the pods that are ready."""
    return [pod["metadata"]["name"] for pod in pods(selector) if is_ready(pod)]


def metric(pod: str, port: int, name: str, **labels: str) -> float:
    """Return the sum of a metric of a pod over the series with these labels."""
    page = kubectl(
        "get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}:{port}/proxy/metrics"
    )
    wanted = [f'{label}="{content}"' for label, content in labels.items()]
    return sum(
        float(line.rpartition(" ")[2])
        for line in page.splitlines()
        if line.startswith((f"{name}{{", f"{name} ")) and all(part in line for part in wanted)
    )


def eventually(condition: Callable[[], object], meaning: str, within_s: float) -> None:
    """Wait for a condition, asking every half second; fail with what it means."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline_s:
            pytest.fail(f"not within {within_s:.0f} s: {meaning}\n{kubectl('get', 'pods')}")
        time.sleep(0.5)
