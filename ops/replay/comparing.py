"""Reads two results topics beside each other and compares them, one batch of each in memory."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from contracts.results import BatchResult
from ops.replay.account import Account
from ops.replay.moments import NS_PER_MS
from ops.replay.pairing import frames_in_order, paired
from ops.replay.pictures import write_pictures
from ops.replay.report import DiffReport, SideReport
from ops.replay.results_log import ResultsLog
from runtime.errors import ConfigurationError
from runtime.log_reader import LogReader
from runtime.settings import KafkaSettings

CLOCKS_APART_MS = 3_600_000
"""Live wrote its result after the capture, by clocks of two machines that may be apart this far."""
SAID_EVERY_FRAMES = 500


class NothingToCompare(ConfigurationError):
    """The two topics have no frame in common."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to compare: two topics, one stream (or that of the replays), and which pictures."""

    topics: tuple[str, str]
    stream_id: str | None
    iou: float
    pictures: Path | None
    top: int


def compare(settings: KafkaSettings, wish: Wish, on_frames: Callable[[int], None]) -> DiffReport:
    """Return how the second topic differs from the first; `on_frames` is told how far it is.

    Raises UnknownTopic, NothingToCompare, or ConfigurationError where the stream is not clear;
    DependencyError if Kafka stays away.
    """
    a_topic, b_topic = wish.topics
    with closing(ResultsLog(settings, a_topic)) as a, closing(ResultsLog(settings, b_topic)) as b:
        firsts = [None if log.is_live else _first(log) for log in (a, b)]
        stream_id = chosen_stream(wish.stream_id, wish.topics, firsts)
        account = Account(wish.iou, 0 if wish.pictures is None else wish.top)
        _read(account, (a, b), stream_id, _since_ms(firsts), on_frames)
        if not account.frames:
            raise NothingToCompare(
                f"{a_topic} and {b_topic} have no frame of stream {stream_id!r} in common"
            )
        report = account.report(stream_id, a.facts, b.facts)
    if wish.pictures is None:
        return report
    sides = (side_name(report.a), side_name(report.b))
    shown = account.biggest.ranked()
    with closing(LogReader(settings, "framerail-diff")) as frames_log:
        drawn = list(write_pictures(frames_log, stream_id, shown, sides, wish.pictures))
    return replace(report, pictures=drawn)


def chosen_stream(
    asked: str | None, topics: Sequence[str], firsts: Sequence[BatchResult | None]
) -> str:
    """Return the stream that was asked for, or the one that the replays are of.

    `firsts` holds the first result of each topic that is a replay's. Raises ConfigurationError if
    there are none or two.
    """
    if asked is not None:
        return asked
    streams = sorted({first.stream_id for first in firsts if first is not None})
    if len(streams) == 1:
        return streams[0]
    of = f"replays of {' and '.join(streams)}" if streams else "not replays of one stream"
    raise ConfigurationError(f"{' and '.join(topics)} are {of}; choose one with --stream")


def side_name(side: SideReport) -> str:
    """Return a topic and the models that answered in it, for a caption."""
    models = ", ".join(f"{model.name}/{model.version}" for model in side.models)
    return f"{side.topic}, {models}"


def _first(log: ResultsLog) -> BatchResult:
    first = log.first()
    if first is None:
        raise NothingToCompare(f"{log.topic} holds no result")
    return first


def _since_ms(firsts: Sequence[BatchResult | None]) -> int:
    """Return when live may have written the first frame that a replay has too, 0 if unknown."""
    captured = [first.captured_first_ns for first in firsts if first is not None]
    return max(max(captured, default=0) // NS_PER_MS - CLOCKS_APART_MS, 0)


def _read(
    account: Account,
    logs: tuple[ResultsLog, ResultsLog],
    stream_id: str,
    live_since_ms: int,
    on_frames: Callable[[int], None],
) -> None:
    a, b = (
        frames_in_order(log.results(stream_id, live_since_ms if log.is_live else 0)) for log in logs
    )
    for pair in paired(a, b):
        account.add(pair)
        if account.frames % SAID_EVERY_FRAMES == 0:
            on_frames(account.frames)
