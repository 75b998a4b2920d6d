"""The edge to one results topic: the results of a stream, in the order of their writing."""

from collections.abc import Iterator
from typing import Any

from contracts.errors import InvalidRecord
from contracts.names import RESULTS_PREFIX, RESULTS_TOPIC
from contracts.replays import min_confidence_of
from contracts.results import BatchResult, decode_result
from ops.replay.account import TopicFacts
from runtime.errors import ConfigurationError
from runtime.log_reader import LogReader
from runtime.settings import KafkaSettings


class UnknownTopic(ConfigurationError):
    """There is no such results topic."""


class ResultsLog:
    """Reads one topic; counts what is no result, and learns with which threshold it was written."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        """Connect; raise UnknownTopic, which names those that there are, or DependencyError."""
        self.topic = topic
        self._log = LogReader(settings, "framerail-diff")
        self._unreadable = 0
        self._min_confidence: float | None = None
        topics = self._log.topics()
        if topic not in topics:
            self.close()
            known = sorted(t for t in topics if t == RESULTS_TOPIC or t.startswith(RESULTS_PREFIX))
            there = ", ".join(known) if known else "none"
            raise UnknownTopic(f"there is no results topic {topic!r}; there are: {there}")

    def close(self) -> None:
        """End the connections."""
        self._log.close()

    @property
    def is_live(self) -> bool:
        """Whether it holds the results of every stream, and not of one replay."""
        return self.topic == RESULTS_TOPIC

    @property
    def facts(self) -> TopicFacts:
        """What was learnt of the topic while it was read."""
        return TopicFacts(self.topic, self._min_confidence, self._unreadable)

    def first(self) -> BatchResult | None:
        """Return the oldest result, None if there is none."""
        span = self._log.span(self.topic)
        records = self._log.records(self.topic, span.first, span.end)
        results = (self._read(record) for record in records)
        found = next((result for result in results if result is not None), None)
        self._unreadable = 0
        return found

    def results(self, stream_id: str, written_since_ms: int) -> Iterator[BatchResult]:
        """Yield the results of one stream that the topic holds now and were written since then.

        Raises DependencyError if Kafka does not send them.
        """
        span = self._log.span(self.topic)
        first = self._log.first_since(self.topic, written_since_ms)
        if first is None:
            return
        key = stream_id.encode()
        for record in self._log.records(self.topic, max(first, span.first), span.end):
            # Looked at before its document, whose pictures may be megabytes of another stream.
            if record.key == key:
                result = self._read(record)
                if result is not None:
                    yield result

    def _read(self, record: Any) -> BatchResult | None:
        try:
            result = decode_result(record.value or b"")
            self._min_confidence = min_confidence_of(record.headers)
        except InvalidRecord:
            self._unreadable += 1
            return None
        return result
