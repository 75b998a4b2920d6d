"""The whole pipeline as processes on this machine: the servers, the cameras, our services."""

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
from ops.options import CAMERA_URL_VARIABLE, StackOptions

BUCKET = "framerail-evidence"
SERVICES = ("producer", "consumer", "postproc")
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
        ports = StackPorts.choose(options.ports)
        services = dict(zip(SERVICES, free_ports(len(SERVICES), taken=astuple(ports)), strict=True))
        return cls(workspace, options, EmbeddedStack(workspace, ports), services)

    @property
    def addresses(self) -> dict[str, str]:
        """Where everything is reached, by name."""
        servers = self.stack.addresses
        metrics = {
            f"{name}_metrics": f"http://{HOST}:{port}/metrics"
            for name, port in self.service_ports.items()
        }
        return {
            "kafka": servers.kafka_bootstrap,
            "s3": servers.s3_endpoint,
            "rtsp": servers.rtsp_url,
            "triton_grpc": servers.triton_grpc,
            "triton_http": servers.triton_http,
            "bucket": BUCKET,
            **metrics,
        }

    def prepare(self, report: Report) -> list[Part]:
        """Build what is missing and return every part, those first that others need."""
        servers = self.stack.prepare(report)
        return [*servers, *self._cameras(), *self._services()]

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

    def _services(self) -> list[Part]:
        needs = {
            "producer": ("kafka", "mediamtx"),
            "consumer": ("kafka", "triton"),
            "postproc": ("kafka", "seaweedfs"),
        }
        shared = self._environment()
        environment = {
            name: {**shared, "FRAMERAIL_HTTP_PORT": str(port)}
            for name, port in self.service_ports.items()
        }
        # It may hold a password: nobody else is told.
        environment["producer"][CAMERA_URL_VARIABLE] = self.options.rtsp_url or ""
        return [
            Part(
                name=name,
                argv=(sys.executable, "-m", name),
                ready=Readiness(self.service_ports[name]),
                environment=environment[name],
                working_directory=CHECKOUT,
                ports=(self.service_ports[name],),
                after=needs[name],
                ready_within_s=90.0,
                # Above stop_timeout_s (20) and what leaving the group takes.
                grace_s=35.0,
                restart=Restart(),
            )
            for name in SERVICES
        ]

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
