"""The real viewer as a process, and the topics, bucket and services' metrics that it reads."""

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import msgspec
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from prometheus_client import CollectorRegistry, start_http_server

from contracts.names import RESULTS_TOPIC
from contracts.results import BatchResult, encode_result
from contracts.wall import StreamTile, Wall
from local.stack import EmbeddedStack
from producer.metrics import ProducerMetrics, StreamMetrics
from tests.service_process import ServiceProcess, running_service

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RESULTS = TopicPartition(RESULTS_TOPIC, 0)


class RunningViewer:
    """One viewer, asked as a browser asks it."""

    def __init__(self, process: ServiceProcess) -> None:
        self.process = process

    def is_listening(self) -> bool:
        return bool(self.process.events("viewer.listening"))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        port: int = self.process.events("viewer.listening")[0]["viewer_port"]
        return port

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=20, **options)

    def wall(self) -> Wall:
        return msgspec.json.decode(self.get("/api/wall").content, type=Wall)

    def tile(self, stream_id: str) -> StreamTile | None:
        return next((tile for tile in self.wall().streams if tile.stream_id == stream_id), None)

    def now(self, stream_id: str) -> dict[str, int] | None:
        tile = self.tile(stream_id)
        return None if tile is None else tile.now

    def has_picture(self, stream_id: str) -> bool:
        tile = self.tile(stream_id)
        return tile is not None and tile.picture is not None


@dataclass(frozen=True)
class World:
    """A stream, a group and a bucket of one test."""

    kafka_bootstrap: str
    s3: EmbeddedStack
    stream_id: str
    folder: Path
    changes: dict[str, str] = field(default_factory=dict)

    @property
    def bucket(self) -> str:
        return f"bucket-{self.stream_id}"

    def environment(self, **changes: str) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return own | {
            "HOME": str(self.folder),
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": self.kafka_bootstrap,
            "FRAMERAIL_S3_ENDPOINT_URL": self.s3.addresses.s3_endpoint,
            "FRAMERAIL_S3_BUCKET": self.bucket,
            "FRAMERAIL_S3_REGION": "us-east-1",
            "FRAMERAIL_POSTPROC_GROUP": self.stream_id,
            "FRAMERAIL_VIEWER_PORT": "0",
            "FRAMERAIL_LOG_FORMAT": "json",
            "AWS_ACCESS_KEY_ID": self.s3.access_key.key_id,
            "AWS_SECRET_ACCESS_KEY": self.s3.access_key.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.changes,
            **changes,
        }

    @contextmanager
    def viewer(self, **changes: str) -> Iterator[RunningViewer]:
        log = self.folder / f"viewer-{uuid.uuid4().hex[:6]}.log"
        with running_service("viewer", self.environment(**changes), log) as process:
            yield RunningViewer(process)

    def client(self) -> "S3Client":
        return boto3.client(
            "s3",
            endpoint_url=self.s3.addresses.s3_endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.s3.access_key.key_id,
            aws_secret_access_key=self.s3.access_key.secret,
        )

    def store(self, key: str, body: bytes) -> None:
        client = self.client()
        client.create_bucket(Bucket=self.bucket)
        client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def send(self, values: Sequence[BatchResult | bytes]) -> int:
        """Write records to `results`; return the offset behind the last."""
        producer = KafkaProducer(bootstrap_servers=self.kafka_bootstrap)
        try:
            sent = [
                producer.send(
                    RESULTS_TOPIC,
                    encode_result(value) if isinstance(value, BatchResult) else value,
                    key=self.stream_id.encode(),
                )
                for value in values
            ]
            return 1 + max(int(future.get(timeout=30).offset) for future in sent)
        finally:
            producer.close()

    def commit(self, next_offset: int) -> None:
        """Say, as the post-processors do, that everything before an offset is stored."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.kafka_bootstrap,
            enable_auto_commit=False,
            group_id=self.stream_id,
        )
        try:
            consumer.assign([RESULTS])
            consumer.commit({RESULTS: OffsetAndMetadata(next_offset, "", -1)})
        finally:
            consumer.close()


class FakeProducer:
    """The metrics of a producer, served as a producer serves them."""

    def __init__(self, stream_id: str) -> None:
        registry = CollectorRegistry()
        self.metrics = StreamMetrics(ProducerMetrics(registry), stream_id)
        self.metrics.connected.set(1)
        self._server, self._thread = start_http_server(0, "127.0.0.1", registry)

    @property
    def urls(self) -> str:
        return f"producer=http://127.0.0.1:{self._server.server_port}/metrics"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
