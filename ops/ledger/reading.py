"""Reads spans of topics to their ends, and notices what expires meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from runtime.log_reader import LogReader, Span

# Called with (step, done, total, unit) whenever more of a step is done.
Counted: TypeAlias = Callable[[str, int, int, str], None]


def say_nothing(_step: str, _done: int, _total: int, _unit: str) -> None:
    """Stand in for a progress that nobody watches."""


@dataclass
class ReadCount:
    """How much of a step, which may go through many topics, has been read."""

    counted: Counted
    step: str
    total: int
    unit: str = "records"
    done: int = 0

    def add(self, more: int) -> None:
        """Count what was read, or expired before."""
        self.done += more
        self.counted(self.step, min(self.done, self.total), self.total, self.unit)


class TopicReader:
    """Reads one topic after the other."""

    def __init__(
        self,
        log: LogReader,
        between_reads: Callable[[], None],
    ) -> None:
        """Take a log that the caller closes; the rest is as in `KafkaBooks`."""
        self._log = log
        self._between_reads = between_reads

    def first_since(self, topic: str, held: Span, since_ms: int | None) -> int:
        """Return the first offset of what is held that is of this time or later; all if None."""
        if since_ms is None:
            return held.first
        found = self._log.first_since(topic, since_ms)
        return held.end if found is None else min(max(found, held.first), held.end)

    def read(
        self,
        topic: str,
        unread: Span,
        add: Callable[[Any], None],
        expire_until: Callable[[int], None],
        count: ReadCount,
    ) -> None:
        """Hand over the records in order; say before which offset the unread ones expired.

        Raises as `LogReader.records` does.
        """
        if unread.first >= unread.end:
            return
        next_offset = unread.first
        for fetched in self._log.fetches(topic, unread.first, unread.end, self._between_reads):
            self._notice(topic, next_offset, fetched[0].offset, expire_until)
            for record in fetched:
                add(record)
            count.add(fetched[-1].offset + 1 - next_offset)
            next_offset = fetched[-1].offset + 1
        self._notice(topic, next_offset, unread.end, expire_until)

    def _notice(
        self, topic: str, expected: int, found: int, expire_until: Callable[[int], None]
    ) -> None:
        if expected < found and self._log.span(topic).first >= found:
            expire_until(found)
