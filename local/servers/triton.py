"""NVIDIA's Triton with the project's model repository, started by `serving/launch.py`."""

import http.client
from dataclasses import dataclass
from pathlib import Path

from local.part import Part, Restart
from local.ports import HOST
from local.probes import http_status


@dataclass(frozen=True, slots=True)
class TritonPorts:
    """Where Triton speaks gRPC and HTTP, and shows its metrics."""

    grpc: int
    http: int
    metrics: int


def triton_part(python: Path, launcher: Path, model_repository: Path, ports: TritonPorts) -> Part:
    """Return Triton's part, ready once every model of the repository is loaded."""
    return Part(
        name="triton",
        argv=(
            *(str(python), str(launcher)),
            *("--model-repository", str(model_repository), "--host", HOST),
            *("--http-port", str(ports.http), "--grpc-port", str(ports.grpc)),
            *("--metrics-port", str(ports.metrics)),
            # Beside the environment of its own Python, with all else that was prepared.
            *("--work-dir", str(python.parents[2] / "serving")),
        ),
        ready=lambda: http_status(ports.http, "/v2/health/ready") == http.client.OK,
        ports=(ports.grpc, ports.http, ports.metrics),
        ready_within_s=120.0,
        grace_s=15.0,
        restart=Restart(),
    )
