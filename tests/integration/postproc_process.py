"""The real post-processor as a process, and the topics and bucket that it works on."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import httpx
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC
from contracts.results import BatchResult, encode_result
from local.stack import CHECKOUT, EmbeddedStack
from runtime.settings import KafkaSettings
from runtime.topics import deadletter_spec, ensure_topics, results_spec

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

RESULTS = TopicPartition(RESULTS_TOPIC, 0)


class PostprocProcess:
    """`python -m postproc`, seen through its exit code, its log and its health."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "postproc"],
                cwd=CHECKOUT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of one event; a line that is still being written is left out."""
        lines = self.output().splitlines(keepends=True)
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
        return [event for event in found if event["event"] == name]

    def stored_keys(self) -> list[str]:
        return [event["key"] for event in self.events("evidence.stored")]

    def is_ready(self) -> bool:
        """Ask /readyz; not before the process has said where it listens."""
        return self._answers("/readyz")

    def is_healthy(self) -> bool:
        """Ask /healthz, as `is_ready` does."""
        return self._answers("/healthz")

    def _answers(self, path: str) -> bool:
        started = self.events("service.started")
        if not started:
            return False
        url = f"http://127.0.0.1:{started[0]['http_port']}{path}"
        return httpx.get(url, timeout=5).status_code == httpx.codes.OK

    def metric(self, name: str) -> float:
        port = self.events("service.started")[0]["http_port"]
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        return sum(float(n) for n in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    def send(self, which: signal.Signals) -> None:
        self._process.send_signal(which)

    def stop(self, which: signal.Signals = signal.SIGTERM) -> int:
        """Signal the process and return its exit code."""
        self.send(which)
        return self.exit_code()

    def exit_code(self, within_s: float = 60) -> int:
        return self._process.wait(timeout=within_s)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@dataclass(frozen=True)
class World:
    """A topic, a bucket and a consumer group of one test."""

    kafka: EmbeddedStack
    s3: EmbeddedStack
    bucket: str
    group: str
    folder: Path

    def environment(self, profile: str | None, **changes: str) -> dict[str, str]:
        """Return the variables of a post-processor; nothing of AWS leaks in from outside."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        if profile is not None:
            own["AWS_PROFILE"] = profile
        return own | {
            "HOME": str(self.folder),
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": self.kafka.addresses.kafka_bootstrap,
            "FRAMERAIL_S3_ENDPOINT_URL": self.s3.addresses.s3_endpoint,
            "FRAMERAIL_S3_BUCKET": self.bucket,
            "FRAMERAIL_S3_CREATE_BUCKET": "true",
            "FRAMERAIL_POSTPROC_GROUP": self.group,
            "FRAMERAIL_LOG_FORMAT": "json",
            "AWS_SHARED_CREDENTIALS_FILE": str(self.s3.workspace.credentials_file),
            "AWS_EC2_METADATA_DISABLED": "true",
            **changes,
        }

    @contextmanager
    def postproc(
        self, name: str = "postproc", profile: str | None = "framerail", **changes: str
    ) -> Iterator[PostprocProcess]:
        environment = self.environment(profile, **changes)
        process = PostprocProcess(environment, self.folder / f"{name}.log")
        try:
            yield process
        finally:
            process.end()

    def client(self) -> "S3Client":
        key = self.s3.access_key
        return boto3.client(
            "s3",
            endpoint_url=self.s3.addresses.s3_endpoint,
            region_name="us-east-1",
            aws_access_key_id=key.key_id,
            aws_secret_access_key=key.secret,
        )

    def stored(self, stream_id: str) -> set[str]:
        """Return the keys of a stream's pictures."""
        pages = self.client().get_paginator("list_objects_v2")
        listed = pages.paginate(Bucket=self.bucket, Prefix=f"evidence/{stream_id}/")
        return {found["Key"] for page in listed for found in page.get("Contents", [])}

    def send(self, values: Sequence[BatchResult | bytes], partition: int = 0) -> list[int]:
        """Write records to `results`; return their offsets."""
        producer = KafkaProducer(bootstrap_servers=self.kafka.addresses.kafka_bootstrap)
        try:
            sent = [
                producer.send(
                    RESULTS_TOPIC,
                    encode_result(value) if isinstance(value, BatchResult) else value,
                    key=b"cam",
                    partition=partition,
                )
                for value in values
            ]
            return [future.get(timeout=30).offset for future in sent]
        finally:
            producer.close()

    def committed(self, partition: TopicPartition = RESULTS) -> int:
        with closing_consumer(self.kafka, group_id=self.group) as consumer:
            offset: int | None = consumer.committed(partition)
            return -1 if offset is None else offset

    def start_group_at_the_end(self) -> None:
        """Let the group begin behind whatever other tests have written."""
        with closing_consumer(self.kafka, group_id=self.group) as consumer:
            consumer.assign([RESULTS])
            end = consumer.end_offsets([RESULTS])[RESULTS]
            consumer.commit({RESULTS: OffsetAndMetadata(end, "", -1)})

    def dead_letters(self) -> dict[int, Any]:
        """Return the dead letters of `results` by their offset there; other tests write others."""
        partition = TopicPartition(DEADLETTER_TOPIC, 0)
        with closing_consumer(self.kafka, auto_offset_reset="earliest") as consumer:
            consumer.assign([partition])
            end = consumer.end_offsets([partition])[partition]
            found: list[Any] = []
            while consumer.position(partition) < end:
                found += consumer.poll(timeout_ms=1000).get(partition, [])
        headers = [(dict(letter.headers), letter) for letter in found]
        return {
            int(names["deadletter-offset"]): letter
            for names, letter in headers
            if names.get("deadletter-topic") == RESULTS_TOPIC.encode()
        }


@contextmanager
def closing_consumer(kafka: EmbeddedStack, **options: Any) -> Iterator[Any]:
    consumer = KafkaConsumer(
        bootstrap_servers=kafka.addresses.kafka_bootstrap, enable_auto_commit=False, **options
    )
    try:
        yield consumer
    finally:
        consumer.close()


def settings_of(kafka: EmbeddedStack) -> KafkaSettings:
    bootstrap = kafka.addresses.kafka_bootstrap
    return KafkaSettings.model_validate({"kafka_bootstrap_servers": bootstrap})


def ensure_our_topics(kafka: EmbeddedStack) -> None:
    settings = settings_of(kafka)
    ensure_topics(settings, [results_spec(settings), deadletter_spec(settings)])
