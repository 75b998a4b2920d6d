"""The whole pipeline as processes on this machine: servers, cameras, services, who watches."""

import os
import sys
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from http import HTTPStatus
from pathlib import Path

import yaml

from local.part import Part, Report, Restart
from local.ports import HOST, free_ports
from local.probes import http_status
from local.stack import CHECKOUT, EmbeddedStack, StackPorts
from local.workspace import Workspace, write_private
from ops.options import (
    CAMERA_URL_VARIABLE,
    SERVICE_PORTS,
    SERVICES,
    StackOptions,
    of_servers,
    of_services,
)

BUCKET = "framerail-evidence"
LEDGER_OPTIONS = ("--since", "2m", "--publish", "--every", "30s")
RETENTION_VARIABLE = "FRAMERAIL_FRAMES_RETENTION_BYTES"
FRAMES_RETENTION_BYTES = 512 * 1024 * 1024
"""About four minutes of one camera at 25 frames/s of 87 kB: a laptop's disk is not a broker's."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline in one workspace."""

    workspace: Workspace
    options: StackOptions
    stack: EmbeddedStack
    service_ports: Mapping[str, int]

    @classmethod
    def choose(cls, workspace: Workspace, options: StackOptions) -> "Pipeline":
        """Choose the ports that the options leave open."""
        fixed = of_services(options.ports)
        ports = StackPorts.choose(of_servers(options.ports))
        taken = {*astuple(ports), *fixed.values()}
        free = dict(zip(SERVICE_PORTS, free_ports(len(SERVICE_PORTS), taken), strict=True))
        return cls(workspace, options, EmbeddedStack(workspace, ports), free | fixed)

    @property
    def addresses(self) -> dict[str, str]:
        """Where everything is reached, by name."""
        servers = self.stack.addresses
        watched = {"viewer": f"http://{HOST}:{self.service_ports['viewer']}/"}
        return {
            "kafka": servers.kafka_bootstrap,
            "s3": servers.s3_endpoint,
            "rtsp": servers.rtsp_url,
            "triton_grpc": servers.triton_grpc,
            "triton_http": servers.triton_http,
            "bucket": BUCKET,
            **{f"{name}_metrics": self._metrics_url(name) for name in SERVICES},
            **(watched if self.options.is_watched else {}),
        }

    def prepare(self, report: Report) -> list[Part]:
        """Build what is missing and return every part, those first that others need."""
        servers = self.stack.prepare(report)
        shared = self._environment()
        parts = [*servers, *self._cameras(), *self._services(shared)]
        if self.options.is_watched:
            parts += [self._viewer(shared), self._ledger(shared)]
        return parts

    def _cameras(self) -> list[Part]:
        return [
            Part(
                name=f"camera-{stream_id}",
                argv=(
                    *(sys.executable, "-m", "local.camera"),
                    *("--video", self.options.video, "--url", self._local_url(stream_id)),
                ),
                working_directory=CHECKOUT,
                after=("mediamtx",),
                restart=Restart(),
            )
            for stream_id in self.options.local_cameras
        ]

    def _services(self, shared: Mapping[str, str]) -> list[Part]:
        needs = {
            "producer": ("kafka", "mediamtx"),
            "consumer": ("kafka", "triton"),
            "postproc": ("kafka", "seaweedfs"),
        }
        # It may hold a password: nobody else is told.
        secret = {**shared, CAMERA_URL_VARIABLE: self.options.rtsp_url or ""}
        # The grace is above stop_timeout_s (20) and what leaving the group takes.
        return [
            self._service(name, after, secret if name == "producer" else shared, grace_s=35.0)
            for name, after in needs.items()
        ]

    def _viewer(self, shared: Mapping[str, str]) -> Part:
        """The page; it reads what the others do, and nobody waits for it but who looks."""
        port = self.service_ports["viewer"]
        told = {
            **shared,
            "FRAMERAIL_VIEWER_PORT": str(port),
            "FRAMERAIL_METRICS_URLS": ",".join(
                f"{name}={self._metrics_url(name)}" for name in SERVICES
            ),
        }
        return self._service("viewer", ("kafka",), told, (port,), grace_s=5.0)

    def _ledger(self, shared: Mapping[str, str]) -> Part:
        """The proof, over and over. Its end ends nothing; it begins when the others are up."""
        return Part(
            name="ledger",
            argv=(sys.executable, "-m", "ops.cli", "ledger", *LEDGER_OPTIONS),
            environment=shared,
            working_directory=CHECKOUT,
            after=SERVICES,
            grace_s=2.0,
            restart=Restart(),
        )

    def _service(
        self,
        name: str,
        after: tuple[str, ...],
        environment: Mapping[str, str],
        ports: tuple[int, ...] = (),
        *,
        grace_s: float,
    ) -> Part:
        health_port = self.service_ports[f"{name}_metrics"]
        return Part(
            name=name,
            argv=(sys.executable, "-m", name),
            ready=Readiness(health_port),
            environment={**environment, "FRAMERAIL_HTTP_PORT": str(health_port)},
            working_directory=CHECKOUT,
            ports=(health_port, *ports),
            after=after,
            ready_within_s=90.0,
            grace_s=grace_s,
            restart=Restart(),
        )

    def _metrics_url(self, service: str) -> str:
        return f"http://{HOST}:{self.service_ports[f'{service}_metrics']}/metrics"

    def _environment(self) -> dict[str, str]:
        addresses = self.stack.addresses
        return {
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": addresses.kafka_bootstrap,
            RETENTION_VARIABLE: os.environ.get(RETENTION_VARIABLE, str(FRAMES_RETENTION_BYTES)),
            "FRAMERAIL_STREAMS_FILE": str(self._streams_file()),
            "FRAMERAIL_TRITON_ADDRESS": addresses.triton_grpc,
            "FRAMERAIL_S3_ENDPOINT_URL": addresses.s3_endpoint,
            "FRAMERAIL_S3_BUCKET": BUCKET,
            "FRAMERAIL_S3_CREATE_BUCKET": "true",
            "FRAMERAIL_S3_REGION": "us-east-1",
            "AWS_SHARED_CREDENTIALS_FILE": str(self.workspace.credentials_file),
            "AWS_PROFILE": "framerail",
            # Keys in the caller's own environment would go before the profile.
            "AWS_ACCESS_KEY_ID": "",
            "AWS_SECRET_ACCESS_KEY": "",
            "AWS_SESSION_TOKEN": "",
        }

    def _streams_file(self) -> Path:
        if self.options.streams_file is not None:
            return Path(self.options.streams_file).resolve()
        streams = [
            {"id": name, "url": self._local_url(name)} for name in self.options.local_cameras
        ]
        if self.options.rtsp_url is not None:
            streams = [{"id": "cam1", "url": "${" + CAMERA_URL_VARIABLE + "}"}]
        path = self.workspace.configuration / "streams.yaml"
        write_private(path, yaml.safe_dump({"streams": streams}, sort_keys=False))
        return path

    def _local_url(self, stream_id: str) -> str:
        return f"{self.stack.addresses.rtsp_url}/{stream_id}"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Asks a service whether it is ready."""

    port: int

    def __call__(self) -> bool:
        """Return whether it is; raise OSError while nobody listens."""
        return http_status(self.port, "/readyz") == HTTPStatus.OK
