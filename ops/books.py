"""Reads what Kafka, S3 and the post-processor know of every stream."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError
from prometheus_client.parser import text_string_to_metric_families

from contracts.errors import InvalidRecord
from contracts.frames import FrameHeaders
from contracts.names import FRAMES_PREFIX, RESULTS_TOPIC, stream_of_topic
from contracts.results import decode_result
from ops.tally import Quantiles, StreamReport, StreamTally, histogram_quantiles
from ops.target import Target
from runtime.errors import DependencyError
from runtime.kafka_clients import open_consumer

CAPTURE_TO_S3 = "framerail_capture_to_evidence_seconds"
FETCH_BYTES = 32 * 1024 * 1024
STALLED_AFTER_S = 15.0


def never_stop() -> None:
    """Stand in for a check between two reads that a caller does not need."""


class Books:
    """The account of every stream; each `refresh` reads only what has come since the last."""

    def __init__(
        self,
        target: Target,
        between_reads: Callable[[], None] = never_stop,
    ) -> None:
        """Connect to Kafka; raise DependencyError if it is away.

        `between_reads` is called while a long read goes on; what it raises ends the read.
        """
        self._consumer: KafkaConsumer = open_consumer(
            target.settings,
            "framerail-books",
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=FETCH_BYTES,
            metadata_max_age_ms=1000,
        )
        self._s3 = target.s3()
        self._bucket = target.settings.s3_bucket
        self._metrics_url = target.postproc_metrics_url
        self._between_reads = between_reads
        self._tallies: dict[str, StreamTally] = {}

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close(autocommit=False)

    def refresh(self) -> dict[str, StreamReport]:
        """Return the account of every stream that has a topic.

        Raises DependencyError if Kafka or S3 does not answer.
        """
        try:
            self._read_topics()
            self._list_evidence()
        except (KafkaError, ClientError, BotoCoreError) as error:
            raise DependencyError(f"the books cannot be read: {error}") from error
        latencies = read_latencies(self._metrics_url) if self._metrics_url else {}
        return {
            stream_id: tally.report(latencies.get(stream_id))
            for stream_id, tally in sorted(self._tallies.items())
        }

    def pictures(self, stream_id: str) -> Iterator[tuple[str, bytes]]:
        """Yield (key, JPEG) of every picture of a stream, in order of key."""
        for key in sorted(self._tallies[stream_id].evidence_keys):
            yield key, self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def _read_topics(self) -> None:
        topics = self._consumer.topics()
        frames = [TopicPartition(topic, 0) for topic in topics if topic.startswith(FRAMES_PREFIX)]
        self._find_streams(frames)
        ends = self._consumer.end_offsets(frames)
        for partition, end in ends.items():
            self._tallies[stream_of_topic(partition.topic)].end_offset = end
        results = [TopicPartition(RESULTS_TOPIC, 0)] if RESULTS_TOPIC in topics else []
        self._assign([*frames, *results])
        self._read_until({**ends, **self._consumer.end_offsets(results)})

    def _find_streams(self, partitions: list[TopicPartition]) -> None:
        new = [p for p in partitions if stream_of_topic(p.topic) not in self._tallies]
        for partition, first in self._consumer.beginning_offsets(new).items():
            self._tallies[stream_of_topic(partition.topic)] = StreamTally(first_offset=first)

    def _assign(self, partitions: list[TopicPartition]) -> None:
        known = {p: self._consumer.position(p) for p in self._consumer.assignment()}
        if set(known) == set(partitions):
            return
        self._consumer.assign(partitions)
        for partition in partitions:
            if partition in known:
                self._consumer.seek(partition, known[partition])
            else:
                self._consumer.seek_to_beginning(partition)

    def _read_until(self, ends: Mapping[TopicPartition, int]) -> None:
        moved_s = time.monotonic()
        while behind := [p for p, end in ends.items() if self._consumer.position(p) < end]:
            self._between_reads()
            fetched = self._consumer.poll(timeout_ms=500, max_records=10_000)
            for partition, records in fetched.items():
                for record in records:
                    if record.offset < ends[partition]:
                        self._add(record)
                if records and records[-1].offset >= ends[partition]:
                    self._consumer.seek(partition, ends[partition])
            if fetched:
                moved_s = time.monotonic()
            elif time.monotonic() - moved_s > STALLED_AFTER_S:
                topics = ", ".join(p.topic for p in behind)
                raise DependencyError(f"Kafka sends nothing more of {topics}")

    def _add(self, record: Any) -> None:
        if record.topic == RESULTS_TOPIC:
            with suppress(InvalidRecord):  # the post-processor puts it aside
                result = decode_result(record.value)
                if result.stream_id in self._tallies:
                    self._tallies[result.stream_id].add_result(result)
            return
        headers = None
        with suppress(InvalidRecord):  # counted all the same; the consumer puts it aside
            headers = FrameHeaders.decode(record.headers)
        self._tallies[stream_of_topic(record.topic)].add_frame(record.offset, headers)

    def _list_evidence(self) -> None:
        for stream_id, tally in self._tallies.items():
            if tally.first_promised_key is not None:
                tally.evidence_keys = set(self._keys(stream_id, tally.first_promised_key))

    def _keys(self, stream_id: str, first: str) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"evidence/{stream_id}/", StartAfter=first[:-1]
        )
        try:
            for page in pages:
                yield from (stored["Key"] for stored in page.get("Contents", []))
        except self._s3.exceptions.NoSuchBucket:
            return  # the post-processor has not made it yet


def read_latencies(metrics_url: str) -> dict[str, Quantiles]:
    """Return seconds from capture to S3 per stream, as the post-processor has measured them.

    Empty while it is away.
    """
    try:
        answer = urllib3.request("GET", metrics_url, timeout=2.0, retries=False)
    except urllib3.exceptions.HTTPError:
        return {}
    buckets: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for family in text_string_to_metric_families(answer.data.decode()):
        for sample in family.samples:
            if sample.name == f"{CAPTURE_TO_S3}_bucket":
                bound_s = float(sample.labels["le"])
                buckets[sample.labels["stream"]].append((bound_s, sample.value))
    measured = {stream_id: histogram_quantiles(found) for stream_id, found in buckets.items()}
    return {stream_id: found for stream_id, found in measured.items() if found is not None}
