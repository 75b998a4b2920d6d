"""Reads what Kafka alone tells of every stream, in the order that keeps a live pipeline honest.

First the groups' offsets, then the ends of the frames, then results and dead letters, at last the
frames: what a group has committed is in the topics that are read after it was asked. Nothing is
held but numbers; the values pass by, since Kafka sends no headers without them.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from contracts.deadletters import DeadLetter, read_dead_letter
from contracts.errors import InvalidRecord
from contracts.frames import FrameHeaders, is_replay
from contracts.names import (
    DEADLETTER_TOPIC,
    FRAMES_PREFIX,
    RESULTS_TOPIC,
    frames_topic,
    stream_of_topic,
)
from contracts.results import decode_result
from ops.ledger.groups import GroupOffsets
from ops.ledger.refusals import Refusals
from ops.ledger.retention import CLOCK_MARGIN_MS, Retention
from ops.ledger.tally import StreamTally
from ops.target import Target
from runtime.deadline import Deadline
from runtime.errors import DependencyError
from runtime.log_reader import LogReader, Span

POLL_S = 0.5
STALLED_AFTER_S = 15.0


def never_stop() -> None:
    """Stand in for a check between two reads that a caller does not need."""


def say_nothing(_step: str, _detail: str) -> None:
    """Stand in for a progress that nobody watches."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is in the account: one stream or all, from a time (ms since the epoch) on or ever."""

    stream_id: str | None = None
    since_ms: int | None = None


class KafkaBooks:
    """The tally of every stream; each `read` takes only what has come since the last."""

    def __init__(
        self,
        target: Target,
        scope: Scope,
        between_reads: Callable[[], None] = never_stop,
        progress: Callable[[str, str], None] = say_nothing,
    ) -> None:
        """Connect to Kafka; raise DependencyError if it is away.

        `between_reads` is called while a long read goes on; what it raises ends the read.
        `progress` is told, per topic, how far it has got.
        """
        self._scope = scope
        self._between_reads = between_reads
        self._progress = progress
        self.groups = GroupOffsets(target.settings)
        self._log = LogReader(target.settings, "framerail-books")
        self._held: dict[str, Retention] = {}
        self.tallies: dict[str, StreamTally] = {}
        self.refusals = Refusals()
        self.unreadable_results = 0
        self.results_committed: int | None = None

    def close(self) -> None:
        """Leave Kafka."""
        self.groups.close()
        self._log.close()

    @property
    def letters_gone_until_ms(self) -> float:
        """A dead letter of this time or before may have expired, as `Retention` says it."""
        held = self._held.get(DEADLETTER_TOPIC)
        return Retention(0).gone_until_ms if held is None else held.gone_until_ms

    def read(self) -> dict[str, StreamTally]:
        """Read to the ends of the topics as they are now; return every stream's tally.

        Raises DependencyError if Kafka does not answer.
        """
        topics = self._log.topics()
        streams = [stream for stream in _streams(topics) if self._scope.stream_id in (None, stream)]
        committed = self.groups.committed([frames_topic(stream) for stream in streams])
        new = self._find(streams)
        for stream_id, tally in self.tallies.items():
            tally.committed = committed.get(frames_topic(stream_id))
        if RESULTS_TOPIC in topics:
            self._read_records(RESULTS_TOPIC, self._add_result)
        self.results_committed = self.groups.results_committed()
        if DEADLETTER_TOPIC in topics:
            self._read_records(DEADLETTER_TOPIC, self._add_letter)
        for tally in new:
            self._leave_out_unprovable(tally)
        for stream_id in streams:
            self._read_frames(self.tallies[stream_id])
        return self.tallies

    def _find(self, streams: Collection[str]) -> list[StreamTally]:
        """Set the ends of the streams' accounts; return those that were not known."""
        new = []
        for stream_id in streams:
            topic = frames_topic(stream_id)
            held = self._log.span(topic)
            if stream_id not in self.tallies:
                first = self._first(topic, held.first, held.end, self._scope.since_ms)
                self.tallies[stream_id] = StreamTally(stream_id, first)
                new.append(self.tallies[stream_id])
            self.tallies[stream_id].end_offset = held.end
        return new

    def _first(self, topic: str, first: int, end: int, since_ms: int | None) -> int:
        if since_ms is None:
            return first
        found = self._log.first_since(topic, since_ms)
        return end if found is None else min(max(found, first), end)

    def _read_records(self, topic: str, add: Callable[[Any], None]) -> None:
        held = self._log.span(topic)
        if topic not in self._held:
            since_ms = self._scope.since_ms
            earlier_ms = None if since_ms is None else since_ms - CLOCK_MARGIN_MS
            first = self._first(topic, held.first, held.end, earlier_ms)
            self._held[topic] = Retention(first, is_chosen=first > held.first)
        retention = self._held[topic]

        def take(record: Any) -> None:
            retention.take(record.offset, record.timestamp)
            add(record)

        self._read(topic, Span(retention.next_offset, held.end), take, retention.expire_until)
        retention.next_offset = max(retention.next_offset, held.end)

    def _read_frames(self, tally: StreamTally) -> None:
        def add(record: Any) -> None:
            headers = None
            with suppress(InvalidRecord):  # counted all the same; the consumer puts it aside
                headers = FrameHeaders.decode(record.headers)
            tally.add_frame(record.offset, headers, is_replay(record.headers))

        unread = Span(tally.next_frame, tally.end_offset)
        self._read(frames_topic(tally.stream_id), unread, add, tally.expire_until)
        tally.read_until(tally.end_offset)

    def _leave_out_unprovable(self, tally: StreamTally) -> None:
        results = self._held.get(RESULTS_TOPIC)
        gone_until_ms = -1.0 if results is None else results.gone_until_ms
        if gone_until_ms < 0:
            return
        before = tally.end_offset
        if gone_until_ms < float("inf"):
            topic = frames_topic(tally.stream_id)
            before = self._first(topic, tally.first_offset, before, int(gone_until_ms))
        tally.leave_out_unprovable(before)

    def _add_result(self, record: Any) -> None:
        try:
            result = decode_result(record.value or b"")
            stream_id = stream_of_topic(result.source.topic)
        except InvalidRecord:
            self.unreadable_results += 1  # the post-processor puts it aside
            return
        if stream_id in self.tallies:
            self.tallies[stream_id].add_result(result, record.offset)

    def _add_letter(self, record: Any) -> None:
        with suppress(InvalidRecord):  # somebody else's record: it tells of nothing
            letter = read_dead_letter(record.headers)
            if isinstance(letter, DeadLetter):
                self._add_refusal(letter)

    def _add_refusal(self, letter: DeadLetter) -> None:
        if letter.partition != 0:
            return  # nothing of ours: our topics have one
        if letter.topic == RESULTS_TOPIC:
            self.refusals.add(letter)
        elif letter.topic.startswith(FRAMES_PREFIX):
            tally = self.tallies.get(stream_of_topic(letter.topic))
            if tally is not None:
                tally.dead_letters.add(letter.offset)

    def _read(
        self,
        topic: str,
        unread: Span,
        add: Callable[[Any], None],
        expire_until: Callable[[int], None],
    ) -> None:
        if unread.first >= unread.end:
            return
        self._log.go_to(topic, unread.first)
        waited, next_offset = Deadline(STALLED_AFTER_S), unread.first
        while (position := self._log.position()) < unread.end:
            self._between_reads()
            fetched = self._log.poll(POLL_S)
            if fetched:
                # Only between two polls does the client go on at what Kafka still holds.
                self._notice(topic, next_offset, fetched[0].offset, unread.end, expire_until)
                for record in fetched:
                    if record.offset < unread.end:
                        add(record)
                next_offset = fetched[-1].offset + 1
                self._tell(topic, unread.end - next_offset)
                waited.renew()
            elif waited.is_over:
                raise DependencyError(f"Kafka sends nothing more of {topic}")
        self._notice(topic, next_offset, position, unread.end, expire_until)

    def _notice(
        self, topic: str, expected: int, found: int, end: int, expire_until: Callable[[int], None]
    ) -> None:
        """Tell of what expired where the next record is not the one that was expected."""
        begin = min(found, end)
        if expected < begin and self._log.span(topic).first >= begin:
            expire_until(begin)

    def _tell(self, topic: str, left: int) -> None:
        self._progress(topic, f"{left} records left" if left > 0 else "ready")


def _streams(topics: Collection[str]) -> list[str]:
    found = []
    for topic in sorted(topics):
        with suppress(InvalidRecord):
            found.append(stream_of_topic(topic))
    return found
