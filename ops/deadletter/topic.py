"""The edge to `deadletter` and to where its records are put back."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError, MessageSizeTooLargeError
from msgspec.structs import replace

from contracts.coordinates import Coordinates
from contracts.deadletters import MARK_KEY, DeadLetter, Mark, read_dead_letter
from contracts.errors import InvalidRecord
from contracts.names import DEADLETTER_TOPIC
from ops.deadletter.letters import ListedLetter, listed, state_of
from ops.deadletter.restoring import KeptRecord, PutBack
from ops.ledger.reading import Counted, ReadCount, say_nothing
from runtime.errors import DependencyError, InvalidInput
from runtime.kafka_clients import open_producer
from runtime.log_reader import LogReader
from runtime.settings import KafkaSettings

ACKNOWLEDGED_WITHIN_S = 30.0
LARGEST_BYTES = 2**30
"""The topics say what they take; the producer shall not refuse what one of them held before."""


@dataclass
class _Read:
    letters: dict[int, ListedLetter] = field(default_factory=dict)
    marks: dict[int, Mark] = field(default_factory=dict)


class DeadLetterTopic:
    """Reads letters and marks; writes records back and marks, one at a time, acknowledged."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect; raise as `runtime.kafka_clients` does."""
        self._settings = settings
        self._log = LogReader(settings, "framerail-deadletter")
        self._topics = self._log.topics()
        self._producer: KafkaProducer | None = None

    def close(self) -> None:
        """Close the connections; all that was written has been acknowledged."""
        self._log.close()
        if self._producer is not None:
            with suppress(KafkaTimeoutError):
                self._producer.close(timeout=1)

    def letters(self, counted: Counted = say_nothing) -> dict[int, ListedLetter]:
        """Return every letter that Kafka holds, by offset; raise DependencyError if it is away.

        `counted` is told how many of the records have been read.
        """
        if DEADLETTER_TOPIC not in self._topics:
            return {}
        span, read = self._log.span(DEADLETTER_TOPIC), _Read()
        count = ReadCount(counted, DEADLETTER_TOPIC, span.end - span.first)
        for fetched in self._log.fetches(DEADLETTER_TOPIC, span.first, span.end):
            for record in fetched:
                with suppress(InvalidRecord):  # somebody else's record: it tells of nothing
                    _take(read, record)
            count.add(len(fetched))
        return {
            offset: replace(letter, state=state_of(read.marks, offset))
            for offset, letter in read.letters.items()
        }

    def letter(self, offset: int) -> tuple[DeadLetter, KeptRecord]:
        """Return one letter whole; raise InvalidInput if it has expired meanwhile."""
        record = self._log.record_at(DEADLETTER_TOPIC, offset)
        if record is None:
            raise InvalidInput("it has expired")
        letter = read_dead_letter(record.headers)
        if not isinstance(letter, DeadLetter):
            raise InvalidInput("it is a mark")
        return letter, KeptRecord(record.key, record.value, record.headers)

    def original(self, at: Coordinates) -> KeptRecord | None:
        """Return a refused record where Kafka still holds it."""
        if at.topic not in self._topics or at.partition != 0:
            return None
        span = self._log.span(at.topic)
        if not span.first <= at.offset < span.end:
            return None
        record = self._log.record_at(at.topic, at.offset)
        return None if record is None else KeptRecord(record.key, record.value, record.headers)

    def put_back(self, record: PutBack) -> Coordinates:
        """Write a record and return where it lies, once Kafka has acknowledged it.

        Its time is now: retention counts from then, or the record could expire at once. Raises
        InvalidInput if its topic is gone or takes no record of its size, DependencyError if Kafka
        does not acknowledge it.
        """
        if record.topic not in self._topics:
            raise InvalidInput(f"topic {record.topic} is there no more")
        written = self._write(
            record.topic,
            key=record.key,
            value=record.value,
            headers=record.headers,
            partition=record.partition,
        )
        return Coordinates(record.topic, written.partition, written.offset)

    def mark(self, mark: Mark) -> None:
        """Write a mark and wait until Kafka has it; raise DependencyError if it does not."""
        self._write(DEADLETTER_TOPIC, key=MARK_KEY, headers=mark.headers())

    def _write(self, topic: str, **record: Any) -> Any:
        if self._producer is None:
            self._producer = open_producer(
                self._settings, "framerail-deadletter", LARGEST_BYTES, linger_ms=0
            )
        try:
            sent = self._producer.send(topic, **record)
            self._producer.flush(timeout=ACKNOWLEDGED_WITHIN_S)
            return sent.get(timeout=ACKNOWLEDGED_WITHIN_S)
        except MessageSizeTooLargeError as error:
            raise InvalidInput(f"topic {topic} takes no record of its size: {error}") from error
        except KafkaError as error:
            raise DependencyError(f"Kafka does not acknowledge for {topic}: {error!r}") from error


def _take(read: _Read, record: Any) -> None:
    letter = read_dead_letter(record.headers)
    if isinstance(letter, DeadLetter):
        read.letters[record.offset] = listed(
            record.offset, letter, record.key, record.timestamp, record.value
        )
    elif letter.offset < record.offset:
        read.marks[letter.offset] = letter
