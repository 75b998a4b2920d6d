"""Reads what Kafka alone tells of every stream, in the order that keeps a live pipeline honest.

First the groups' offsets, then the ends of the frames, then results and dead letters, at last the
frames: what a group has committed is in the topics that are read after it was asked. Nothing is
held but numbers; the values pass by, since Kafka sends no headers without them.

A time that is asked for finds frames by the producer's clock, and results by the consumer's, which
may be an hour apart. So a frame is called lost by offsets alone: where it has no result, `results`
is read again from ever further back, until the reading begins LATE_FRAMES before that frame, or at
the beginning of the topic. Consumers write results in order of offset, and go back only to go on
from there: so whatever was written of that frame lies behind. Where retention has taken that
beginning, the frames before the first result that is held are left out of the account, and told.
"""

from collections.abc import Callable, Collection
from contextlib import ExitStack, suppress
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
from ops.ledger.reading import Counted, ReadCount, TopicReader, say_nothing
from ops.ledger.refusals import Refusals
from ops.ledger.retention import CLOCK_MARGIN_MS, Retention
from ops.ledger.tally import StreamTally
from ops.target import Target
from runtime.log_reader import LogReader, Span, never_stop

LOOK_BACK = 64
"""Results that are read more at least, where one may lie before those that were read."""


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
        counted: Counted = say_nothing,
    ) -> None:
        """Connect to Kafka; raise DependencyError if it is away.

        `between_reads` is called while a long read goes on; what it raises ends the read.
        `counted` is told how many of the records have been read.
        """
        self._scope = scope
        with ExitStack() as opened:
            self.groups = GroupOffsets(target.settings)
            opened.callback(self.groups.close)
            self._log = LogReader(target.settings, "framerail-books")
            opened.callback(self._log.close)
            self._opened = opened.pop_all()
        self._topics = TopicReader(self._log, between_reads)
        self._counted = counted
        self._held: dict[str, Retention] = {}
        self.streams: list[str] = []
        """All that have a topic, those out of the scope too."""
        self.tallies: dict[str, StreamTally] = {}
        self.refusals = Refusals()
        self.unreadable_results = 0
        self.results_committed: int | None = None
        self.results_expired_unread = range(0)
        """Offsets of `results` that went before the post-processors had come to them."""
        self.left_out: dict[str, int] = {}
        """Frames of each stream whose results retention may have taken."""
        self._whole: set[str] = set()  # topics and streams that are read from their beginning
        self._results_begin: dict[str, int] = {}
        self._letters_since_ms = scope.since_ms

    def close(self) -> None:
        """Leave Kafka."""
        self._opened.close()

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
        self.streams = _streams(topics)
        streams = [stream for stream in self.streams if self._scope.stream_id in (None, stream)]
        begins = {stream: self._log.span(frames_topic(stream)).first for stream in streams}
        committed = self.groups.committed([frames_topic(stream) for stream in streams])
        new = self._find(streams)
        for stream_id, tally in self.tallies.items():
            tally.committed = committed.get(frames_topic(stream_id))
            tally.log_begin = begins.get(stream_id) if stream_id in self._whole else None
        if RESULTS_TOPIC in topics:
            self._read_results()
        if DEADLETTER_TOPIC in topics:
            if DEADLETTER_TOPIC not in self._held:
                self._begin(DEADLETTER_TOPIC, self._letters_since_ms)
            self._read_records(DEADLETTER_TOPIC, self._add_letter)
        for tally in new:
            self._leave_out_unprovable(tally)
        tallies = [self.tallies[stream_id] for stream_id in streams]
        unread = sum(max(tally.end_offset - tally.next_frame, 0) for tally in tallies)
        count = ReadCount(self._counted, "frames", unread)
        for tally in tallies:
            self._read_frames(tally, count)
        return self.tallies

    def _find(self, streams: Collection[str]) -> list[StreamTally]:
        """Set the ends of the streams' accounts; return those that were not known."""
        new = []
        for stream_id in streams:
            topic = frames_topic(stream_id)
            held = self._log.span(topic)
            if stream_id not in self.tallies:
                first = self._topics.first_since(topic, held, self._scope.since_ms)
                self.tallies[stream_id] = StreamTally(stream_id, first)
                if first == held.first:
                    self._whole.add(stream_id)
                new.append(self.tallies[stream_id])
            self.tallies[stream_id].end_offset = held.end
        return new

    def _read_results(self) -> None:
        held = self._log.span(RESULTS_TOPIC)
        is_begun = RESULTS_TOPIC in self._held
        if not is_begun:
            self._begin(RESULTS_TOPIC, self._scope.since_ms)
        first = self._held[RESULTS_TOPIC].next_offset
        self._read_records(RESULTS_TOPIC, self._add_result)
        while not is_begun and first > held.first and self._may_begin_too_late():
            first = max(first - max(LOOK_BACK, held.end - first), held.first)
            self._forget_results()
            self._held[RESULTS_TOPIC] = Retention(first, is_chosen=first > held.first)
            self._read_records(RESULTS_TOPIC, self._add_result)
        self.results_committed = self.groups.results_committed()
        committed = self.results_committed
        if RESULTS_TOPIC in self._whole and committed is not None:
            self.results_expired_unread = range(committed, max(held.first, committed))

    def _may_begin_too_late(self) -> bool:
        begins = self._results_begin
        return any(one.may_lack_results(begins.get(name)) for name, one in self.tallies.items())

    def _forget_results(self) -> None:
        self.unreadable_results = 0
        self._results_begin.clear()
        for tally in self.tallies.values():
            tally.forget_results()

    def _begin(self, topic: str, since_ms: int | None) -> None:
        held = self._log.span(topic)
        earlier_ms = None if since_ms is None else since_ms - CLOCK_MARGIN_MS
        first = self._topics.first_since(topic, held, earlier_ms)
        self._held[topic] = Retention(first, is_chosen=first > held.first)
        if first == held.first:
            self._whole.add(topic)

    def _read_records(self, topic: str, add: Callable[[Any], None]) -> None:
        retention, end = self._held[topic], self._log.span(topic).end

        def take(record: Any) -> None:
            retention.take(record.offset, record.timestamp)
            add(record)

        def expire_until(offset: int) -> None:
            retention.expire_until(offset)
            if topic == RESULTS_TOPIC:
                self._results_begin.clear()

        unread = Span(retention.next_offset, end)
        count = ReadCount(self._counted, topic, unread.end - unread.first)
        self._topics.read(topic, unread, take, expire_until, count)
        retention.next_offset = max(retention.next_offset, end)

    def _read_frames(self, tally: StreamTally, count: ReadCount) -> None:
        def add(record: Any) -> None:
            headers = None
            with suppress(InvalidRecord):  # counted all the same; the consumer puts it aside
                headers = FrameHeaders.decode(record.headers)
            tally.add_frame(record.offset, headers, is_replay(record.headers))

        unread = Span(tally.next_frame, tally.end_offset)
        self._topics.read(frames_topic(tally.stream_id), unread, add, tally.expire_until, count)
        tally.read_until(tally.end_offset)

    def _leave_out_unprovable(self, tally: StreamTally) -> None:
        results = self._held.get(RESULTS_TOPIC)
        gone_until_ms = -1.0 if results is None else results.gone_until_ms
        if gone_until_ms < 0:
            return
        first, before = tally.first_offset, self._results_begin.get(tally.stream_id)
        if before is None:
            # No result of the stream is held: only the clocks tell which one should be.
            before = tally.end_offset
            if gone_until_ms < float("inf"):
                topic = frames_topic(tally.stream_id)
                held = Span(first, tally.end_offset)
                before = self._topics.first_since(topic, held, int(gone_until_ms))
        tally.leave_out_unprovable(before)
        if tally.first_offset > first:
            self.left_out[tally.stream_id] = tally.first_offset - first

    def _add_result(self, record: Any) -> None:
        try:
            result = decode_result(record.value or b"")
            stream_id = stream_of_topic(result.source.topic)
        except InvalidRecord:
            self.unreadable_results += 1  # the post-processor puts it aside
            return
        if stream_id in self.tallies:
            self.tallies[stream_id].add_result(result, record.offset)
            if not is_replay(record.headers):
                self._results_begin.setdefault(stream_id, result.source.first_offset)
            if self._letters_since_ms is not None:
                self._letters_since_ms = min(self._letters_since_ms, record.timestamp)

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


def _streams(topics: Collection[str]) -> list[str]:
    found = []
    for topic in sorted(topics):
        with suppress(InvalidRecord):
            found.append(stream_of_topic(topic))
    return found
