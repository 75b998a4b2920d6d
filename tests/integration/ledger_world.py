"""One stream in a real Kafka and a real S3, written by hand as the services would write it."""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from contracts.deadletters import DeadLetter, Stage
from contracts.evidence import evidence_metadata
from contracts.frames import FrameHeaders
from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC, frames_topic
from contracts.results import BatchResult, encode_result
from local.stack import EmbeddedStack
from ops.ledger.kafka_books import Scope
from ops.ledger.proof import prove
from ops.ledger.verdict import Ledger, StreamLedger
from ops.target import Target, local_target
from runtime.kafka_clients import admin_client
from runtime.topics import deadletter_spec, ensure_topics, frames_spec, results_spec

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "ledger"
LIMIT_BYTES = 1024 * 1024


@dataclass(frozen=True)
class World:
    """A stream of its own, and groups named as it is, in topics and a bucket that tests share."""

    kafka: EmbeddedStack
    s3_server: EmbeddedStack
    target: Target
    stream_id: str

    def environment(self) -> dict[str, str]:
        """Return the variables that name this pipeline to a command."""
        return {
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": self.kafka.addresses.kafka_bootstrap,
            "FRAMERAIL_S3_ENDPOINT_URL": self.s3_server.addresses.s3_endpoint,
            "FRAMERAIL_S3_BUCKET": BUCKET,
            "FRAMERAIL_S3_REGION": "us-east-1",
            "FRAMERAIL_CONSUMER_GROUP": self.stream_id,
            "FRAMERAIL_POSTPROC_GROUP": self.stream_id,
            "AWS_ACCESS_KEY_ID": self.s3_server.access_key.key_id,
            "AWS_SECRET_ACCESS_KEY": self.s3_server.access_key.secret,
        }

    @property
    def topic(self) -> str:
        return frames_topic(self.stream_id)

    @property
    def s3(self) -> "S3Client":
        return self.target.s3()

    def publish(
        self,
        frames: Sequence[tuple[FrameHeaders | None, int | None]],
        values: Iterable[bytes] = repeat(b"picture"),
    ) -> None:
        """Write frames: headers (None for a record that is no frame) and timestamp in ms."""
        with self._producer() as producer:
            for (headers, timestamp_ms), value in zip(frames, values, strict=False):
                producer.send(
                    self.topic,
                    value,
                    key=self.stream_id.encode(),
                    headers=[] if headers is None else headers.encode(),
                    timestamp_ms=timestamp_ms,
                )

    def write_results(
        self, results: Sequence[BatchResult], headers: Sequence[tuple[str, bytes]] = ()
    ) -> list[int]:
        """Write results, without their pictures; return their offsets."""
        with self._producer() as producer:
            sent = [
                producer.send(
                    RESULTS_TOPIC,
                    encode_result(one),
                    headers=list(headers),
                    key=self.stream_id.encode(),
                    timestamp_ms=one.inferred_ns // 1_000_000,
                )
                for one in results
            ]
            return [future.get(timeout=30).offset for future in sent]

    def store(self, one: BatchResult, **changes: str) -> None:
        """Put the pictures of a result into S3; `changes` are of their metadata."""
        frames = {frame.offset: frame for frame in one.frames}
        for chosen in one.evidence:
            metadata = evidence_metadata(one, frames[chosen.offset]) | changes
            self.s3.put_object(Bucket=BUCKET, Key=chosen.key, Body=b"jpeg", Metadata=metadata)

    def dead_letter(
        self,
        topic: str,
        offset: int,
        stage: Stage,
        reason: str,
        timestamp_ms: int | None = None,
        value: bytes = b"refused",
        key: bytes | None = None,
        limit_bytes: int = LIMIT_BYTES,
    ) -> int:
        """Write a dead letter as a service does; return its offset."""
        refused = DeadLetter(topic, 0, offset, stage, reason).record([], value, limit_bytes)
        with self._producer() as producer:
            sent = producer.send(
                DEADLETTER_TOPIC,
                refused.value,
                key=key or topic.encode(),
                headers=refused.headers,
                timestamp_ms=timestamp_ms,
            )
            return int(sent.get(timeout=30).offset)

    def commit(self, group: str, topic: str, offset: int | None = None) -> None:
        """Commit for a group; up to the end where no offset is given."""
        partition = TopicPartition(topic, 0)
        consumer = KafkaConsumer(
            bootstrap_servers=self.kafka.addresses.kafka_bootstrap, group_id=group
        )
        consumer.assign([partition])
        at = consumer.end_offsets([partition])[partition] if offset is None else offset
        consumer.commit({partition: OffsetAndMetadata(at, "", -1)})
        consumer.close(autocommit=False)

    def commit_all(self) -> None:
        """Say for both groups that they have done all that there is."""
        self.commit(self.stream_id, self.topic)
        self.commit(self.stream_id, RESULTS_TOPIC)

    def delete_before(self, topic: str, offset: int) -> None:
        """Let records expire."""
        with admin_client(self.target.settings) as admin:
            admin.delete_records({TopicPartition(topic, 0): offset})

    def prove(self, since_ms: int | None = None) -> Ledger:
        scope = Scope(self.stream_id, since_ms)
        return prove(self.target, scope, datetime.now(UTC))

    def proven(self, since_ms: int | None = None) -> StreamLedger:
        return self.prove(since_ms).streams[self.stream_id]

    def read(self, topic: str, first: int = 0) -> list[Any]:
        """Return the records of a topic from an offset on."""
        partition = TopicPartition(topic, 0)
        consumer = KafkaConsumer(bootstrap_servers=self.kafka.addresses.kafka_bootstrap)
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        consumer.seek(partition, first)
        found: list[Any] = []
        while consumer.position(partition) < end:
            found += consumer.poll(timeout_ms=1000).get(partition, [])
        consumer.close()
        return found

    @contextmanager
    def _producer(self) -> Iterator[Any]:
        producer = KafkaProducer(bootstrap_servers=self.kafka.addresses.kafka_bootstrap)
        try:
            yield producer
        finally:
            producer.close()


@contextmanager
def open_world(
    kafka: EmbeddedStack, s3: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """Make the topics and the bucket, and name this pipeline to whatever is run meanwhile.

    The stream is deleted afterwards: consumers of other tests read every stream there is.
    """
    stream_id = "t" + uuid.uuid4().hex[:12]
    monkeypatch.setenv("FRAMERAIL_CONSUMER_GROUP", stream_id)
    monkeypatch.setenv("FRAMERAIL_POSTPROC_GROUP", stream_id)
    addresses = {
        "kafka": kafka.addresses.kafka_bootstrap,
        "s3": s3.addresses.s3_endpoint,
        "bucket": BUCKET,
    }
    target = local_target(addresses, s3.workspace.credentials_file)
    settings = target.settings
    ensure_topics(
        settings,
        [frames_spec(settings, stream_id), results_spec(settings), deadletter_spec(settings)],
    )
    world = World(kafka, s3, target, stream_id)
    for name, value in world.environment().items():
        monkeypatch.setenv(name, value)
    if BUCKET not in [bucket["Name"] for bucket in world.s3.list_buckets()["Buckets"]]:
        world.s3.create_bucket(Bucket=BUCKET)
    yield world
    with admin_client(settings) as admin:
        admin.delete_topics([world.topic])
