"""Writes the pictures of the biggest changes, their frames read from Kafka by their offsets."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from contracts.errors import InvalidRecord
from contracts.frames import FrameHeaders
from contracts.names import frames_topic
from contracts.results import FrameResult
from ops.replay.comparison import FrameDifference
from ops.replay.drawing import draw_difference
from ops.replay.moments import iso_utc_of_ns
from ops.replay.report import PictureReport
from runtime.errors import ConfigurationError, InvalidInput
from runtime.log_reader import Span

JPEG_QUALITY = 85


class FrameGone(Exception):
    """Kafka no longer holds the frame; the message says what it holds."""


class Log(Protocol):
    """Tells what Kafka holds."""

    def topics(self) -> set[str]:
        """Return the names of all topics."""

    def span(self, topic: str) -> Span:
        """Return the offsets that a topic holds."""

    def record_at(self, topic: str, offset: int) -> Any | None:
        """Return the record of this offset, None if it has expired."""


def write_pictures(
    log: Log,
    stream_id: str,
    shown: Sequence[FrameDifference],
    sides: tuple[str, str],
    folder: Path,
) -> Iterator[PictureReport]:
    """Write `<stream>-<offset>.jpg` for each frame into `folder`, and yield what became of it.

    A frame that has expired, or is no picture, is told and passed over. Raises ConfigurationError
    if the folder cannot be written to, and as `log` does.
    """
    for one in shown:
        path = folder / f"{stream_id}-{one.a.offset}.jpg"
        try:
            jpeg = _jpeg_of(log, frames_topic(stream_id), one.a)
            picture = draw_difference(jpeg, one, sides, JPEG_QUALITY)
        except (FrameGone, InvalidInput) as error:
            yield _report(one, missing=str(error))
            continue
        _write(path, picture)
        yield _report(one, path=str(path))


def _jpeg_of(log: Log, topic: str, frame: FrameResult) -> bytes:
    if topic not in log.topics():
        raise FrameGone(f"topic {topic} is gone")
    span = log.span(topic)
    if not span.first <= frame.offset < span.end:
        raise FrameGone(
            f"the frame has expired from Kafka, whose {topic} begins at offset {span.first}"
        )
    record = log.record_at(topic, frame.offset)
    if record is None:
        raise FrameGone("the frame has expired from Kafka just now")
    try:
        captured_ns = FrameHeaders.decode(record.headers).captured_ns
    except InvalidRecord as error:
        raise FrameGone(f"what lies at its offset is no frame: {error}") from error
    if captured_ns != frame.captured_ns:
        raise FrameGone("another frame lies at its offset: the topic was made anew")
    return record.value or b""


def _write(path: Path, picture: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture)
    except OSError as error:
        raise ConfigurationError(f"--pictures {path.parent}: {error.strerror}") from error


def _report(
    shown: FrameDifference, path: str | None = None, missing: str | None = None
) -> PictureReport:
    return PictureReport(
        offset=shown.a.offset,
        captured=iso_utc_of_ns(shown.a.captured_ns),
        lost=len(shown.lost),
        new=len(shown.new),
        path=path,
        missing=missing,
    )
