"""Sends refused records to the dead-letter topic and waits until Kafka has them."""

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError

from contracts.deadletters import DeadLetter, Stage
from contracts.names import DEADLETTER_TOPIC
from postproc.records import ResultRecord
from runtime.errors import DependencyError
from runtime.stop import StopSignal

_TURN_S = 1.0


class KafkaDeadLetters:
    """The dead-letter topic, safe to call from many threads."""

    def __init__(self, producer: KafkaProducer, stop: StopSignal) -> None:
        self._producer = producer
        self._stop = stop

    def send(self, record: ResultRecord, stage: Stage, reason: str) -> bool:
        """Return True once Kafka holds the record and why it was refused, however long that takes.

        Returns False if the service is told to stop before that. Raises DependencyError if the
        brokers refuse it.
        """
        topic, partition = record.partition
        letter = DeadLetter(topic, partition, record.offset, stage, reason)
        headers = letter.encode(record.headers)
        # The producer sends no record that has neither key nor value.
        key = topic.encode() if record.key is None else record.key
        value = record.value
        while not self._stop.is_set:
            try:
                self._acknowledged(key, value, headers)
                return True
            except KafkaTimeoutError:
                continue
            except KafkaError as error:
                if isinstance(error, MessageSizeTooLargeError) and value is not None:
                    # It came from a topic that takes more: the headers still tell where it lies.
                    value = None
                    continue
                raise DependencyError(f"topic {DEADLETTER_TOPIC}: {error}") from error
        return False

    def _acknowledged(
        self, key: bytes, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        sent = self._producer.send(DEADLETTER_TOPIC, value=value, key=key, headers=headers)
        while not sent.is_done:
            try:
                sent.get(timeout=_TURN_S)
            except KafkaTimeoutError:
                if self._stop.is_set:
                    raise
        sent.get()
