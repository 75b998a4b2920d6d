"""Sends refused records to the dead-letter topic and waits until Kafka has them."""

from collections.abc import Callable

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from contracts.deadletters import DeadLetter, DeadLetterRecord, Stage
from contracts.frames import MAX_HEADER_BYTES
from contracts.names import DEADLETTER_TOPIC
from postproc.records import ResultRecord
from runtime.errors import DependencyError
from runtime.stop import StopSignal

_TURN_S = 1.0


class KafkaDeadLetters:
    """The dead-letter topic, safe to call from many threads."""

    def __init__(
        self,
        producer: KafkaProducer,
        stop: StopSignal,
        limit_bytes: int,
        beat: Callable[[], None],
    ) -> None:
        self._producer = producer
        self._stop = stop
        self._limit_bytes = limit_bytes
        self._beat = beat

    def send(self, record: ResultRecord, stage: Stage, reason: str) -> bool:
        """Return True once Kafka holds the record and why it was refused, however long that takes.

        Returns False if the service is told to stop before that. Raises DependencyError if the
        brokers refuse it.
        """
        topic, partition = record.partition
        letter = DeadLetter(topic, partition, record.offset, stage, reason)
        refused = letter.record(record.headers, record.value, self._limit_bytes)
        while not self._stop.is_set:
            self._beat()
            try:
                self._acknowledged(_key(record), refused)
                return True
            except KafkaTimeoutError:
                continue
            except KafkaError as error:
                raise DependencyError(f"topic {DEADLETTER_TOPIC}: {error}") from error
        return False

    def _acknowledged(self, key: bytes, refused: DeadLetterRecord) -> None:
        sent = self._producer.send(
            DEADLETTER_TOPIC, value=refused.value, key=key, headers=refused.headers
        )
        while not sent.is_done:
            self._beat()
            try:
                sent.get(timeout=_TURN_S)
            except KafkaTimeoutError:
                if self._stop.is_set:
                    raise
        sent.get()


def _key(record: ResultRecord) -> bytes:
    """Return a key that the producer takes: it sends no record that has neither key nor value."""
    if record.key is None or len(record.key) > MAX_HEADER_BYTES:
        topic: str = record.partition.topic
        return topic.encode()
    return record.key
