"""The whole pipeline behind TLS and passwords, each of them a word that must stand nowhere else."""

import base64
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import boto3
import httpx
import psutil
import yaml

from local.servers.mediamtx import RtspReader
from local.stack import EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from tests.integration.secured_servers import (
    Authority,
    SecuredKafka,
    SecuredS3,
    secured_kafka,
    secured_s3,
)
from tests.service_process import ServiceProcess, running_service

VIEWER = "viewer"
BUCKET = "evidence-in-secret"


@dataclass(frozen=True)
class SecuredWorld:
    """Every server of the pipeline; `camera_password` is what the camera asks of its reader."""

    kafka: SecuredKafka
    s3: SecuredS3
    cameras: EmbeddedStack
    triton: EmbeddedStack
    camera_password: str
    folder: Path

    @property
    def camera_address(self) -> str:
        return self.cameras.addresses.rtsp_url.removeprefix("rtsp://") + "/cam"

    @property
    def secrets(self) -> list[str]:
        return [self.camera_password, self.kafka.password, self.s3.plain.access_key.secret]

    def environment(self, folder: Path, **changes: str) -> dict[str, str]:
        """Return the variables of any service: secrets are in files, but for the camera's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        mounted = folder / "secrets"
        mounted.mkdir(exist_ok=True)
        kafka = self.kafka.environment()
        (mounted / "framerail_kafka_password").write_text(kafka.pop("FRAMERAIL_KAFKA_PASSWORD"))
        return own | kafka | {
            "FRAMERAIL_SECRETS_DIR": str(mounted),
            "FRAMERAIL_LOG_LEVEL": "debug",
            "FRAMERAIL_TRITON_ADDRESS": self.triton.addresses.triton_grpc,
            "FRAMERAIL_MAX_BATCH_AGE_S": "1",
            "FRAMERAIL_TOPIC_DISCOVERY_S": "1",
            "FRAMERAIL_RECONNECT_FIRST_S": "0.2",
            "FRAMERAIL_RECONNECT_LONGEST_S": "0.5",
            "FRAMERAIL_STREAMS_FILE": str(self._streams_file(folder)),
            "CAMERA_PASSWORD": self.camera_password,
            "FRAMERAIL_S3_ENDPOINT_URL": self.s3.endpoint,
            "FRAMERAIL_S3_CA_FILE": str(self.s3.authority.ca_file),
            "FRAMERAIL_S3_BUCKET": BUCKET,
            "FRAMERAIL_S3_CREATE_BUCKET": "true",
            "FRAMERAIL_S3_REGION": "us-east-1",
            "AWS_SHARED_CREDENTIALS_FILE": str(self.s3.plain.workspace.credentials_file),
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(folder),
            **changes,
        }  # fmt: skip

    def _streams_file(self, folder: Path) -> Path:
        path = folder / "streams.yaml"
        url = f"rtsp://{VIEWER}:${{CAMERA_PASSWORD}}@{self.camera_address}"
        gone = f"rtsp://{VIEWER}:${{CAMERA_PASSWORD}}@127.0.0.1:9/gone"
        streams = [{"id": "secured", "url": url}, {"id": "unreachable", "url": gone}]
        path.write_text(yaml.safe_dump({"streams": streams}))
        return path

    @contextmanager
    def service(self, module: str, folder: Path, **changes: str) -> Iterator[ServiceProcess]:
        environment = self.environment(folder, **changes)
        with running_service(module, environment, folder / f"{module}.log") as service:
            yield service

    def pictures(self) -> list[str]:
        """Return the keys of the pictures, read over TLS."""
        key = self.s3.plain.access_key
        client = boto3.client(
            "s3",
            endpoint_url=self.s3.endpoint,
            region_name="us-east-1",
            verify=str(self.s3.authority.ca_file),
            aws_access_key_id=key.key_id,
            aws_secret_access_key=key.secret,
        )
        try:
            listed = client.list_objects_v2(Bucket=BUCKET, Prefix="evidence/secured/")
        except client.exceptions.NoSuchBucket:
            return []
        return [found["Key"] for found in listed.get("Contents", [])]

    def logs(self) -> dict[str, str]:
        """Return the logs of every server."""
        stacks = (self.kafka.plain, self.s3.plain, self.cameras)
        files = [path for stack in stacks for path in stack.workspace.logs.iterdir()]
        return {path.name: path.read_text(errors="replace") for path in files}


@contextmanager
def secured_world(root: Path, cache: Path, triton: EmbeddedStack) -> Iterator[SecuredWorld]:
    authority = Authority.make(root / "authority")
    # With letters that a URL has to escape.
    camera_password = f"cam$({secrets.token_hex(6)})!"
    with ExitStack() as opened:
        password = f"kafka-{secrets.token_hex(8)}"
        kafka = opened.enter_context(secured_kafka(root / "kafka", cache, authority, password))
        s3 = opened.enter_context(secured_s3(root / "s3", cache, authority))
        cameras = EmbeddedStack(
            Workspace(root / "cameras", cache),
            StackPorts.choose(),
            ("mediamtx",),
            reader=RtspReader(VIEWER, camera_password),
        )
        supervisor = opened.enter_context(Supervisor(cameras.workspace))
        supervisor.start(cameras.prepare(say_nothing))
        yield SecuredWorld(kafka, s3, cameras, triton, camera_password, root)


def traces(secret: str, texts: dict[str, str]) -> list[str]:
    """Return the names of the texts that hold a secret, in clear, escaped or in base64."""
    forms = {secret, quote(secret), quote(secret, safe=""), quote(secret, safe=":")}
    forms.add(base64.b64encode(secret.encode()).decode())
    return [name for name, text in texts.items() if any(form in text for form in forms)]


def command_lines() -> dict[str, str]:
    """Return what `ps` shows of every process of this machine."""
    found = {}
    for process in psutil.process_iter():
        try:
            found[f"pid {process.pid} {process.name()}"] = "\0".join(process.cmdline())
        except psutil.Error:
            continue
    return found


def answers(service: ServiceProcess) -> dict[str, str]:
    """Return all that a service says over HTTP."""
    (started,) = service.events("service.started")
    url = f"http://127.0.0.1:{started['http_port']}"
    paths = ("/metrics", "/healthz", "/readyz", "/", "/nothing")
    return {path: httpx.get(url + path, timeout=5).text for path in paths}
