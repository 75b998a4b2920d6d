"""Kafka behind TLS and SCRAM, and S3 behind TLS: the embedded servers with other settings."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from kafka.admin import KafkaAdminClient, ScramMechanism, UserScramCredentialUpsertion

from local.ports import HOST, free_ports
from local.stack import EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from tests.infra.certificates import make_certificates

USER = "pipeline"
LISTENERS = """
listeners=PLAINTEXT://{host}:{port},CLIENTS://{host}:{tls_port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port},CLIENTS://{host}:{tls_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CLIENTS:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.clients.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
"""


@dataclass(frozen=True)
class Authority:
    """An authority of a test, and the certificate of 127.0.0.1 that it signed."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Authority":
        make_certificates(folder, "server", HOST)
        return cls(folder)

    @property
    def ca_file(self) -> Path:
        return self.folder / "root.pem"

    @property
    def certificate(self) -> Path:
        return self.folder / "broker.pem"

    @property
    def key(self) -> Path:
        return self.folder / "broker.key"


@dataclass(frozen=True)
class SecuredKafka:
    """A broker as clients reach it, and the listener that only its tests know of."""

    port: int
    plain: EmbeddedStack
    password: str
    authority: Authority

    def environment(self, **changes: str) -> dict[str, str]:
        return {
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self.port}",
            "FRAMERAIL_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "FRAMERAIL_KAFKA_USERNAME": USER,
            "FRAMERAIL_KAFKA_PASSWORD": self.password,
            "FRAMERAIL_KAFKA_CA_FILE": str(self.authority.ca_file),
            "FRAMERAIL_LOG_FORMAT": "json",
            **changes,
        }


@contextmanager
def secured_kafka(
    root: Path, cache: Path, authority: Authority, password: str
) -> Iterator[SecuredKafka]:
    """Run a broker whose clients show the password of USER over TLS."""
    stack = EmbeddedStack(Workspace(root, cache), StackPorts.choose(), ("kafka",))
    parts = stack.prepare(say_nothing)
    (tls_port,) = free_ports(1)
    keystore = root / "keystore.pem"
    keystore.write_text(authority.key.read_text() + authority.certificate.read_text())
    listeners = LISTENERS.format(
        host=HOST,
        port=stack.ports.kafka,
        tls_port=tls_port,
        controller=stack.ports.kafka_controller,
        keystore=keystore,
    )
    # Of a name that stands twice, the last holds.
    with (stack.workspace.configuration / "kafka.properties").open("a") as properties:
        properties.write(listeners)
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts)
        _add_user(stack.addresses.kafka_bootstrap, password)
        yield SecuredKafka(tls_port, stack, password, authority)


def _add_user(bootstrap: str, password: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    user = UserScramCredentialUpsertion(USER, ScramMechanism.SCRAM_SHA_512, password)
    admin.alter_user_scram_credentials([user])
    admin.close()


@dataclass(frozen=True)
class SecuredS3:
    """An S3 server with a port of TLS."""

    port: int
    plain: EmbeddedStack
    authority: Authority

    @property
    def endpoint(self) -> str:
        return f"https://{HOST}:{self.port}"


@contextmanager
def secured_s3(root: Path, cache: Path, authority: Authority) -> Iterator[SecuredS3]:
    """Run an S3 server that speaks TLS on a port of its own."""
    stack = EmbeddedStack(Workspace(root, cache), StackPorts.choose(), ("seaweedfs",))
    (tls_port,) = free_ports(1)
    options = (
        f"-s3.port.https={tls_port}",
        f"-s3.cert.file={authority.certificate}",
        f"-s3.key.file={authority.key}",
    )
    parts = [replace(part, argv=(*part.argv, *options)) for part in stack.prepare(say_nothing)]
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts)
        yield SecuredS3(tls_port, stack, authority)


@dataclass(frozen=True)
class SecuredCameras:
    """An RTSP server with a port of TLS."""

    port: int
    plain: EmbeddedStack
    authority: Authority


@contextmanager
def secured_cameras(root: Path, cache: Path, authority: Authority) -> Iterator[SecuredCameras]:
    """Run an RTSP server that speaks TLS on a port of its own."""
    stack = EmbeddedStack(Workspace(root, cache), StackPorts.choose(), ("mediamtx",))
    parts = stack.prepare(say_nothing)
    (tls_port,) = free_ports(1)
    path = stack.workspace.configuration / "mediamtx.yml"
    configuration = json.loads(path.read_text()) | {
        "rtspEncryption": "optional",
        "rtspsAddress": f"{HOST}:{tls_port}",
        "rtspServerKey": str(authority.key),
        "rtspServerCert": str(authority.certificate),
    }
    path.write_text(json.dumps(configuration))
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts)
        yield SecuredCameras(tls_port, stack, authority)
