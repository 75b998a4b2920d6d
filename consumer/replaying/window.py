"""Which frames a replay reads: two ends, by time or by offset, become offsets that Kafka holds."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from contracts.names import FRAMES_PATTERN, FRAMES_PREFIX, frames_topic, stream_of_topic
from runtime.errors import ConfigurationError
from runtime.log_reader import Span

_IS_FRAMES = re.compile(FRAMES_PATTERN)


class UnknownStream(ConfigurationError):
    """No topic holds frames of this stream."""


class WindowEmpty(ConfigurationError):
    """Kafka holds what was asked for, and there is no frame in it."""


class WindowExpired(ConfigurationError):
    """Kafka has deleted the frames that were asked for."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of capture, in milliseconds since the epoch: as fine as Kafka's timestamps."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Offset:
    """One frame, by where it lies."""

    at: int


Edge = Moment | Offset


@dataclass(frozen=True, slots=True)
class Window:
    """The frames from `first_offset` up to and without `end_offset`, at least one.

    `is_cut` if frames at its beginning may have expired before the replay began.
    """

    topic: str
    first_offset: int
    end_offset: int
    is_cut: bool = False

    @property
    def frames(self) -> int:
        """How many frames that is, unless some expire meanwhile."""
        return self.end_offset - self.first_offset


class Log(Protocol):
    """Tells what Kafka holds."""

    def topics(self) -> set[str]:
        """Return the names of all topics."""

    def span(self, topic: str) -> Span:
        """Return the offsets that a topic holds."""

    def first_since(self, topic: str, moment_ms: int) -> int | None:
        """Return the offset of the first frame captured then or later."""

    def records(self, topic: str, first: int, end: int) -> Iterator[Any]:
        """Yield the records between two offsets, without the second."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What Kafka holds of one stream: at least one frame, the first and the last captured when."""

    topic: str
    span: Span
    first_ms: int
    last_ms: int

    def __str__(self) -> str:
        return (
            f"Kafka holds {self.topic} from offset {self.span.first} ({iso_utc(self.first_ms)}) "
            f"to {self.span.end - 1} ({iso_utc(self.last_ms)})"
        )


def find_window(log: Log, stream_id: str, begin: Edge, end: Edge) -> Window:
    """Return the frames captured from `begin` on and before `end`; an offset as end is included.

    Raises UnknownStream, WindowEmpty or WindowExpired, which say what there is instead.
    """
    streams = streams_among(log.topics())
    if stream_id not in streams:
        known = ", ".join(streams) if streams else "there is none"
        raise UnknownStream(f"stream {stream_id!r} has no frames in Kafka; streams: {known}")
    held = _held(log, frames_topic(stream_id))
    first = _offset_of(log, held, begin)
    after = _offset_of(log, held, end) + isinstance(end, Offset)
    _check_ends(held, begin, end)
    if first >= after:
        raise _nothing_between(held, begin, end, first)
    return Window(held.topic, first, after, _is_cut(held, begin))


def streams_among(topics: Iterable[str]) -> list[str]:
    """Return the stream ids of the topics that hold frames, in order."""
    return sorted(stream_of_topic(topic) for topic in topics if _IS_FRAMES.match(topic))


def iso_utc(moment_ms: int) -> str:
    """Return milliseconds since the epoch as ISO 8601 in UTC, fit to be given as a time again."""
    moment = datetime.fromtimestamp(moment_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _held(log: Log, topic: str) -> _Held:
    span = log.span(topic)
    first = next(log.records(topic, span.first, span.end), None)
    last = next(log.records(topic, span.end - 1, span.end), None) if first is not None else None
    if first is None or last is None:
        stream_id = topic.removeprefix(FRAMES_PREFIX)
        raise WindowEmpty(f"Kafka holds no frame of stream {stream_id!r} now")
    return _Held(topic, span, first.timestamp, last.timestamp)


def _offset_of(log: Log, held: _Held, edge: Edge) -> int:
    if isinstance(edge, Offset):
        return edge.at
    found = log.first_since(held.topic, edge.at_ms)
    return held.span.end if found is None else min(found, held.span.end)


def _check_ends(held: _Held, *edges: Edge) -> None:
    for edge in edges:
        if isinstance(edge, Offset) and edge.at < held.span.first:
            raise WindowExpired(f"offset {edge.at} has expired; {held}")
        if isinstance(edge, Offset) and edge.at >= held.span.end:
            raise WindowEmpty(f"offset {edge.at} is not there yet; {held}")


def _nothing_between(held: _Held, begin: Edge, end: Edge, first: int) -> ConfigurationError:
    asked = f"from {_told(begin)} to {_told(end)}"
    if isinstance(begin, Moment) and _is_cut(held, begin) and first == held.span.first:
        return WindowExpired(f"the frames {asked} have expired; {held}")
    return WindowEmpty(f"no frame lies {asked}; {held}")


def _is_cut(held: _Held, begin: Edge) -> bool:
    return isinstance(begin, Moment) and begin.at_ms < held.first_ms and held.span.first > 0


def _told(edge: Edge) -> str:
    return iso_utc(edge.at_ms) if isinstance(edge, Moment) else f"offset {edge.at}"
