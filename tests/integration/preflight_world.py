"""A Kafka that asks who it is, an S3 with keys of several rights, and the command between them."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer
from kafka import (
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    TopicPartition,
)
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)
from typer.testing import CliRunner

from contracts.frames import FrameHeaders
from contracts.names import frames_topic
from local.ports import HOST, free_ports
from local.stack import EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from ops.preflight.command import preflight
from runtime.errors import FramerailError
from runtime.kafka_clients import admin_client
from runtime.settings import KafkaSettings
from runtime.topics import deadletter_spec, ensure_topics, frames_spec, results_spec

STREAM = "cam1"
TOPIC = frames_topic(STREAM)
USER, PASSWORD = "framerail", "a-password-of-tests"
PRINCIPAL = f"User:{USER}"
KEYS = {
    "framerail": None,
    "writer": ("FRWRITER", "a-secret-that-may-only-write", ["Write"]),
    "reader": ("FRREADER", "a-secret-that-may-only-read", ["Read", "List"]),
}
JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required"
# Whoever signs in with a password has the rights that are given; who does not is administrator.
GUARDED = f"""
listeners=PLAINTEXT://{{host}}:{{port}},CONTROLLER://{{host}}:{{controller}},SASL://{{host}}:{{sasl}}
advertised.listeners=PLAINTEXT://{{host}}:{{port}},SASL://{{host}}:{{sasl}}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config={JAAS} user_{USER}="{PASSWORD}";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""


@dataclass(frozen=True)
class GuardedKafka:
    """A broker with an open door for the administrator and one that asks for a password."""

    bootstrap: str
    guarded: str

    def settings(self) -> KafkaSettings:
        return KafkaSettings(kafka_bootstrap_servers=self.bootstrap)

    @contextmanager
    def administrator(self) -> Iterator[KafkaAdminClient]:
        with admin_client(self.settings()) as admin:
            yield admin

    def allow(self, operation: str, kind: str, name: str) -> None:
        """Give the services' user one right."""
        pattern = ResourcePattern(ResourceType[kind], name)
        given = ACL(PRINCIPAL, "*", ACLOperation[operation], ACLPermissionType.ALLOW, pattern)
        with self.administrator() as admin:
            assert not admin.create_acls([given])["failed"]

    def clear(self) -> None:
        """Delete every topic and every right."""
        anything = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
        given = ACLFilter(PRINCIPAL, None, ACLOperation.ANY, ACLPermissionType.ANY, anything)
        with self.administrator() as admin:
            admin.delete_acls([given])
            topics = [name for name in admin.list_topics() if not name.startswith("__")]
            if topics:
                admin.delete_topics(topics)


@contextmanager
def guarded_kafka(folder: Path, cache: Path) -> Iterator[GuardedKafka]:
    (sasl_port,) = free_ports(1)
    ports = StackPorts.choose()
    stack = EmbeddedStack(Workspace(folder, cache), ports, ("kafka",))
    parts = stack.prepare(say_nothing)
    with (stack.workspace.configuration / "kafka.properties").open("a") as properties:
        properties.write(
            GUARDED.format(
                host=HOST, port=ports.kafka, controller=ports.kafka_controller, sasl=sasl_port
            )
        )
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts)
        yield GuardedKafka(stack.addresses.kafka_bootstrap, f"{HOST}:{sasl_port}")


@contextmanager
def keyed_s3(folder: Path, cache: Path) -> Iterator[EmbeddedStack]:
    """An S3 server that knows the administrator, one who may only write, and one only read."""
    stack = EmbeddedStack(Workspace(folder, cache), StackPorts.choose(), ("seaweedfs",))
    parts = stack.prepare(say_nothing)
    identities = stack.workspace.configuration / "seaweedfs-identities.json"
    known = json.loads(identities.read_text())
    known["identities"] += [
        {
            "name": name,
            "credentials": [{"accessKey": key[0], "secretKey": key[1]}],
            "actions": key[2],
        }
        for name, key in KEYS.items()
        if key is not None
    ]
    identities.write_text(json.dumps(known))
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts)
        yield stack


@dataclass(frozen=True)
class Ran:
    """How the command ended, and the document that it printed."""

    exit_code: int
    said: str
    document: dict[str, Any]

    def of(self, name: str, subject: str = "") -> dict[str, Any]:
        """Return the worst finding of a check, of one subject if it is given."""
        order = ("refused", "away", "warning", "skipped", "ok")
        same = [one for one in self.document["findings"] if one["name"] == name]
        same = [one for one in same if subject in one["subject"]]
        return min(same, key=lambda one: order.index(one["verdict"]))

    def amiss(self) -> dict[str, str]:
        """Return the worst verdict of each check that is not ok."""
        names = dict.fromkeys(one["name"] for one in self.document["findings"])
        worst = {name: self.of(name)["verdict"] for name in names}
        return {name: verdict for name, verdict in worst.items() if verdict != "ok"}


@dataclass(frozen=True)
class World:
    """A pipeline that is about to be started; everything in it is the test's own."""

    kafka: GuardedKafka
    s3: EmbeddedStack
    triton: EmbeddedStack
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    name: str

    @property
    def bucket(self) -> str:
        return f"bucket-{self.name}"

    @property
    def group(self) -> str:
        return f"group-{self.name}"

    def environment(self, key: str = "framerail", **changes: str) -> dict[str, str]:
        """Return the variables of the services; nothing of AWS leaks in from outside."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        pair = KEYS[key]
        admin = self.s3.access_key
        key_id, secret = (admin.key_id, admin.secret) if pair is None else pair[:2]
        return own | {
            "HOME": str(self.folder),
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "FRAMERAIL_TRITON_ADDRESS": self.triton.addresses.triton_grpc,
            "FRAMERAIL_S3_ENDPOINT_URL": self.s3.addresses.s3_endpoint,
            "FRAMERAIL_S3_REGION": "us-east-1",
            "FRAMERAIL_S3_BUCKET": self.bucket,
            "FRAMERAIL_CONSUMER_GROUP": self.group,
            "FRAMERAIL_LOG_FORMAT": "json",
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_EC2_METADATA_DISABLED": "true",
            **changes,
        }

    def as_user(self) -> dict[str, str]:
        """Return the changes with which a service proves a password."""
        return {
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": self.kafka.guarded,
            "FRAMERAIL_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "FRAMERAIL_KAFKA_SASL_MECHANISM": "PLAIN",
            "FRAMERAIL_KAFKA_USERNAME": USER,
            "FRAMERAIL_KAFKA_PASSWORD": PASSWORD,
        }

    def preflight(self, *arguments: str, key: str = "framerail", **changes: str) -> Ran:
        """Run the command as a person does whose variables name this pipeline."""
        app = typer.Typer()
        app.command()(preflight)
        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            for name, value in self.environment(key, **changes).items():
                patch.setenv(name, value)
            result = CliRunner().invoke(app, [*arguments, "--json"])
        error = result.exception
        if error is not None and not isinstance(error, FramerailError | SystemExit):
            raise error
        code = error.exit_code if isinstance(error, FramerailError) else result.exit_code
        lines = result.stdout.splitlines()
        return Ran(code, str(error), json.loads(lines[-1]) if lines else {"findings": []})

    def make_topics(self, streams: Sequence[str] = (STREAM,), **changes: Any) -> None:
        """Make all topics as the services would with these settings."""
        settings = self.kafka.settings().model_copy(update=changes)
        frames = [frames_spec(settings, stream_id) for stream_id in streams]
        ensure_topics(settings, [*frames, results_spec(settings), deadletter_spec(settings)])

    def make_topic(self, name: str, partitions: int = 1, **configs: str) -> None:
        """Make one topic by hand; `configs` have `_` for `.`."""
        topic = {
            "num_partitions": partitions,
            "replication_factor": 1,
            "configs": {key.replace("_", "."): value for key, value in configs.items()},
        }
        with self.kafka.administrator() as admin:
            admin.create_topics({name: topic}, wait_for_metadata=True)

    def publish(self, count: int, size_bytes: int, now_ns: int, fps: float = 25.0) -> None:
        """Write frames of one size, the last of them captured at `now_ns`."""
        producer = KafkaProducer(bootstrap_servers=self.kafka.bootstrap, max_request_size=2**23)
        begun_ns = now_ns - int((count - 1) * 1e9 / fps)
        for seq in range(count):
            at_ns = begun_ns + int(seq * 1e9 / fps)
            headers = FrameHeaders("s", seq, at_ns, "arrival", (3840, 2160)).encode()
            producer.send(
                TOPIC, bytes(size_bytes), headers=headers, timestamp_ms=at_ns // 1_000_000
            )
        producer.close()

    def commit(self, offset: int) -> None:
        """Say for the consumer's group which frame it reads next."""
        partition = TopicPartition(TOPIC, 0)
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.bootstrap, group_id=self.group)
        consumer.assign([partition])
        consumer.commit({partition: OffsetAndMetadata(offset, "", -1)})
        consumer.close(autocommit=False)

    def delete_before(self, offset: int) -> None:
        """Let frames expire."""
        with self.kafka.administrator() as admin:
            admin.delete_records({TopicPartition(TOPIC, 0): offset})

    def stored(self) -> list[str]:
        """Return the keys of the bucket."""
        listed = self._admin().list_objects_v2(Bucket=self.bucket)
        return [found["Key"] for found in listed.get("Contents", [])]

    def make_bucket(self) -> None:
        self._admin().create_bucket(Bucket=self.bucket)

    def _admin(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.s3.addresses.s3_endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.s3.access_key.key_id,
            aws_secret_access_key=self.s3.access_key.secret,
        )
