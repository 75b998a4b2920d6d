"""The edge to the log of a topic, read from any offset outside every group: nothing is committed.

Topics of framerail have one partition each; it is the one that is read.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from runtime.deadline import Deadline
from runtime.errors import DependencyError, TransientError
from runtime.group_consumer import GroupConsumer
from runtime.kafka_clients import open_consumer
from runtime.settings import KafkaSettings

ASK_TIMEOUT_MS = 15_000
POSITION_TIMEOUT_MS = 1000
POLL_S = 0.5
FETCH_BYTES = 8 * 1024 * 1024


def never_stop() -> None:
    """Stand in for a check between two reads that a caller does not need."""


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets that Kafka holds of a topic: the oldest, and the one after the newest."""

    first: int
    end: int


class LogReader:
    """Reads one topic at a time, by one thread."""

    def __init__(self, settings: KafkaSettings, client_id: str, **options: Any) -> None:
        """Connect; `options` are kafka-python's. Raises as `runtime.kafka_clients` does."""
        self._stalled_after_s = settings.kafka_start_timeout_s
        self._consumer: GroupConsumer = open_consumer(
            settings, client_id, **{"max_partition_fetch_bytes": FETCH_BYTES, **options}
        )
        self._partition = TopicPartition("", 0)

    def close(self) -> None:
        """End the connections."""
        self._consumer.leave()

    def topics(self) -> set[str]:
        """Return the names of all topics; raise DependencyError if Kafka does not tell."""
        with _asked("which topics there are"):
            return set(self._consumer.topics())

    def span(self, topic: str) -> Span:
        """Return which offsets Kafka holds now; raise DependencyError if it does not tell."""
        at = TopicPartition(topic, 0)
        with _asked(f"what {topic} holds"):
            first = self._consumer.beginning_offsets([at], timeout_ms=ASK_TIMEOUT_MS)[at]
            return Span(first, self._consumer.end_offsets([at], timeout_ms=ASK_TIMEOUT_MS)[at])

    def first_since(self, topic: str, moment_ms: int) -> int | None:
        """Return the offset of the first record of that timestamp or later, None if there is none.

        Raises DependencyError if Kafka does not tell.
        """
        at = TopicPartition(topic, 0)
        with _asked(f"what {topic} holds"):
            asked = {at: max(moment_ms, 0)}
            found = self._consumer.offsets_for_times(asked, timeout_ms=ASK_TIMEOUT_MS)[at]
        return None if found is None else int(found.offset)

    def record_at(self, topic: str, offset: int) -> Any | None:
        """Return the record of exactly this offset, None if it has expired.

        The offset must be below the end of the topic. Raises as `records` does.
        """
        first = next(self.records(topic, offset, offset + 1), None)
        return first if first is not None and first.offset == offset else None

    def records(self, topic: str, first: int, end: int) -> Iterator[Any]:
        """Yield the records from `first` up to and without `end`, as far as Kafka still holds them.

        Raises DependencyError if Kafka refuses us, or sends nothing for `kafka_start_timeout_s`.
        """
        for fetched in self.fetches(topic, first, end):
            yield from fetched

    def fetches(
        self, topic: str, first: int, end: int, before_each: Callable[[], None] = never_stop
    ) -> Iterator[list[Any]]:
        """Yield what `records` does as it comes: by the fetch, none of them empty.

        Only between two fetches does the client skip what has expired. What `before_each` raises
        ends the reading.
        """
        self.go_to(topic, first)
        waited = Deadline(self._stalled_after_s)
        while self.position() < end:
            before_each()
            fetched = self.poll(POLL_S)
            if wanted := [record for record in fetched if record.offset < end]:
                yield wanted
            if fetched:
                waited.renew()
            elif waited.is_over:
                raise DependencyError(f"Kafka sends nothing more of {topic}")

    def go_to(self, topic: str, offset: int) -> None:
        """Read this topic from this offset on; from the oldest record if it has expired."""
        self._partition = TopicPartition(topic, 0)
        self._consumer.assign([self._partition])
        self._consumer.seek(self._partition, offset)

    def position(self) -> int:
        """Return the offset that is read next; raise DependencyError if it cannot be known."""
        with _asked(f"where it reads {self._partition.topic}"):
            at: int | None = self._consumer.position(
                self._partition, timeout_ms=POSITION_TIMEOUT_MS
            )
        return -1 if at is None else at  # on its way to the oldest record

    def poll(self, timeout_s: float) -> list[Any]:
        """Return the next records in order of offset, none after `timeout_s` seconds.

        Raises DependencyError if Kafka refuses us.
        """
        try:
            fetched = self._consumer.fetch(timeout_s)
        except TransientError:
            return []  # the client tries again at the next call
        return fetched.get(self._partition, [])

    def pause(self) -> None:
        """Fetch nothing more until `resume`."""
        self._consumer.pause(self._partition)

    def resume(self) -> None:
        """Fetch again."""
        self._consumer.resume(self._partition)


@contextmanager
def _asked(question: str) -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise DependencyError(f"Kafka does not tell {question}: {error!r}") from error
