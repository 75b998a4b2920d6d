"""The edge to `results` and `deadletter`."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from consumer.settings import ConsumerSettings
from consumer.worker import BatchOutcome, RefusedFrame
from contracts.frames import Headers
from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC
from contracts.results import encode_result
from runtime.errors import DependencyError, TransientError
from runtime.kafka_clients import open_producer
from runtime.topics import deadletter_limit_bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """Records handed to Kafka that it has not all acknowledged yet."""

    futures: tuple[Any, ...]

    @property
    def is_done(self) -> bool:
        """Whether Kafka has acknowledged every record; raises DependencyError if it refused one."""
        for future in self.futures:
            if future.failed():
                raise DependencyError(f"Kafka refuses a record: {future.exception!r}")
        return all(future.is_done for future in self.futures)


class KafkaResults:
    """Writes each batch's result, to `topic` and with `headers`, and its dead letters."""

    def __init__(
        self, settings: ConsumerSettings, topic: str = RESULTS_TOPIC, headers: Headers = ()
    ) -> None:
        """Connect; raise as `runtime.kafka_clients.open_producer` does."""
        self._topic = topic
        self._headers = list(headers)
        self._limit_bytes = deadletter_limit_bytes(settings)
        self._producer: KafkaProducer = open_producer(
            settings, "framerail-consumer", self._limit_bytes, linger_ms=0
        )

    def send(self, outcome: BatchOutcome) -> Sent:
        """Hand over one result and its dead letters, without waiting.

        Raises TransientError if the client does not know a topic now, DependencyError if Kafka
        refuses a record.
        """
        result = outcome.trace.sending(outcome.result)
        futures = [self._send_deadletter(refused) for refused in outcome.refused]
        futures.append(
            self._send(
                self._topic,
                key=result.stream_id.encode(),
                value=encode_result(result),
                headers=self._headers,
                timestamp_ms=result.inferred_ns // 1_000_000,
            )
        )
        futures[-1].add_callback(outcome.trace.stored)
        futures[-1].add_errback(outcome.trace.refused)
        return Sent(tuple(futures))

    def flush(self, timeout_s: float) -> None:
        """Wait until Kafka has acknowledged all that was handed over.

        Raises TransientError if that takes longer than `timeout_s` seconds.
        """
        try:
            self._producer.flush(timeout=timeout_s)
        except KafkaTimeoutError as error:
            raise TransientError(f"Kafka did not acknowledge in time: {error!r}") from error

    def close(self) -> None:
        """Close the connection; what was not acknowledged will be written again."""
        with suppress(KafkaTimeoutError):
            self._producer.close(timeout=1)

    def _send_deadletter(self, refused: RefusedFrame) -> Any:
        frame = refused.frame
        record = refused.letter.record(frame.record_headers, frame.jpeg, self._limit_bytes)
        return self._send(
            DEADLETTER_TOPIC,
            key=frame.source.topic.encode(),
            value=record.value,
            headers=record.headers,
        )

    def _send(self, topic: str, **record: Any) -> Any:
        try:
            return self._producer.send(topic, **record)
        except KafkaTimeoutError as error:
            raise TransientError(f"Kafka: topic {topic}: {error!r}") from error
        except KafkaError as error:
            raise DependencyError(f"Kafka refuses a record for {topic}: {error!r}") from error
