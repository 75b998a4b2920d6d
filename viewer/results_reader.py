"""The edge to `results`: every partition of it, read outside every group; nothing is committed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from contracts.errors import InvalidRecord
from contracts.names import RESULTS_TOPIC
from contracts.stand_ins import unreadable
from runtime.errors import DependencyError, TransientError
from runtime.group_consumer import GroupConsumer
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, open_consumer
from runtime.settings import KafkaSettings
from viewer import metrics
from viewer.batches import Batch, Origin, read_batch

RECENT_RECORDS = 600
"""Read at a start, over all partitions: with 64 streams and a batch a second each, ten seconds."""
POLL_S = 0.5
RECORDS_A_POLL = 100
ASK_TIMEOUT_MS = 5000
LOOK_FOR_PARTITIONS_S = 30.0


class ResultsReader:
    """Hands over the batches of `results` as they come, from shortly before the end on."""

    def __init__(self, settings: KafkaSettings, take: Callable[[list[Batch]], None]) -> None:
        self._settings = settings
        self._take = take
        self._consumer: GroupConsumer | None = None
        self._looked_s = 0.0
        self._has_failed = False

    def turn(self) -> float:
        """Read what has come; return how long to wait until the next turn, in seconds.

        Raises DependencyError or ConfigurationError, having hung up, so that the next turn connects
        anew.
        """
        try:
            with _explained():
                return self._read()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Hang up."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(KafkaError):
                consumer.leave()

    def _read(self) -> float:
        consumer = self._consumer
        if consumer is None:
            consumer = self._consumer = self._connected()
        self._look_for_partitions(consumer)
        try:
            fetched = consumer.fetch(POLL_S, RECORDS_A_POLL)
        except TransientError as error:
            if self._has_failed:
                raise DependencyError(f"Kafka does not give {RESULTS_TOPIC!r}: {error}") from error
            self._has_failed = True  # the client tries again at the next call
            return POLL_S
        self._has_failed = False
        for partition, records in fetched.items():
            batches = [batch for record in records if (batch := _batch(partition, record))]
            if batches:
                self._take(batches)
        return 0.0

    def _connected(self) -> GroupConsumer:
        limit_bytes = self._settings.max_result_bytes + RECORD_OVERHEAD_BYTES
        self._looked_s = float("-inf")
        return open_consumer(
            self._settings,
            "framerail-viewer",
            group_id=None,
            max_partition_fetch_bytes=limit_bytes,
            fetch_max_bytes=limit_bytes,
        )

    def _look_for_partitions(self, consumer: GroupConsumer) -> None:
        """Read partitions that are new, from shortly before their end; others go on as they are."""
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_FOR_PARTITIONS_S:
            return
        numbers = consumer.partitions_for_topic(RESULTS_TOPIC)
        if not numbers:
            raise DependencyError(
                f"Kafka has no topic {RESULTS_TOPIC!r} yet, or does not show it to us; the "
                "consumer makes it at its start"
            )
        self._looked_s = now_s
        wanted = [TopicPartition(RESULTS_TOPIC, number) for number in sorted(numbers)]
        if set(wanted) != consumer.assignment():
            self._assign(consumer, wanted)

    @staticmethod
    def _assign(consumer: GroupConsumer, wanted: list[TopicPartition]) -> None:
        next_offsets = {
            at: consumer.position(at, timeout_ms=ASK_TIMEOUT_MS) for at in consumer.assignment()
        }
        first = consumer.beginning_offsets(wanted, timeout_ms=ASK_TIMEOUT_MS)
        end = consumer.end_offsets(wanted, timeout_ms=ASK_TIMEOUT_MS)
        consumer.assign(wanted)
        for at in wanted:
            known = next_offsets.get(at)
            recent = max(first[at], end[at] - RECENT_RECORDS // len(wanted))
            consumer.seek(at, recent if known is None else known)


def _batch(partition: TopicPartition, record: Any) -> Batch | None:
    """Return the batch of a record; one that cannot be read is counted: the dead letters tell."""
    metrics.RESULTS_READ.inc()
    try:
        if record.value is None:
            raise InvalidRecord(unreadable(record.headers) or "the record has no value")
        return read_batch(record.value, Origin(partition.partition, record.offset))
    except InvalidRecord:
        metrics.RESULTS_INVALID.inc()
        return None


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise DependencyError(f"Kafka does not give {RESULTS_TOPIC!r}: {error!r}") from error
