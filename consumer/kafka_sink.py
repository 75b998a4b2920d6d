"""The edge to `results` and `deadletter`."""

from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumer.settings import ConsumerSettings
from consumer.worker import BatchOutcome, RefusedFrame
from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC
from contracts.results import encode_result
from runtime.errors import DependencyError
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, open_producer


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
    """Writes each batch's result and dead letters."""

    def __init__(self, settings: ConsumerSettings) -> None:
        """Connect; raise as `runtime.kafka_clients.open_producer` does."""
        largest_bytes = max(settings.max_frame_bytes, settings.max_result_bytes)
        self._producer: KafkaProducer = open_producer(
            settings, "framerail-consumer", largest_bytes + RECORD_OVERHEAD_BYTES, linger_ms=0
        )

    def send(self, outcome: BatchOutcome) -> Sent:
        """Hand over one result and its dead letters, without waiting."""
        result = outcome.result
        futures = [self._send_deadletter(refused) for refused in outcome.refused]
        futures.append(
            self._send(
                RESULTS_TOPIC,
                key=result.stream_id.encode(),
                value=encode_result(result),
                timestamp_ms=result.inferred_ns // 1_000_000,
            )
        )
        return Sent(tuple(futures))

    def flush(self, timeout_s: float) -> None:
        """Wait until all that was handed over is acknowledged, at most `timeout_s` seconds."""
        try:
            self._producer.flush(timeout=timeout_s)
        except KafkaError as error:
            raise DependencyError(f"Kafka did not acknowledge in time: {error!r}") from error

    def close(self) -> None:
        """Close the connection; what was not acknowledged will be written again."""
        self._producer.close(timeout=1)

    def _send_deadletter(self, refused: RefusedFrame) -> Any:
        frame = refused.frame
        return self._send(
            DEADLETTER_TOPIC,
            key=frame.source.topic.encode(),
            value=frame.jpeg,
            headers=refused.letter.encode(frame.record_headers),
        )

    def _send(self, topic: str, **record: Any) -> Any:
        try:
            return self._producer.send(topic, **record)
        except KafkaError as error:
            raise DependencyError(f"Kafka refuses a record for {topic}: {error!r}") from error
