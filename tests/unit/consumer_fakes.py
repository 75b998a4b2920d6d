"""Hand-written stand-ins for what the consumer's loop talks to."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from consumer.detections import FrameOutput
from consumer.frame import FetchedFrame, FrameSource
from consumer.worker import BatchOutcome
from contracts.coordinates import Coordinates
from contracts.frames import FrameHeaders
from runtime.errors import TransientError

SOURCE = FrameSource("frames.cam1", 0)
OTHER = FrameSource("frames.cam2", 0)


def frame(offset: int, session: str = "s1", source: FrameSource = SOURCE) -> FetchedFrame:
    headers = FrameHeaders(session, offset, 1_700_000_000_000_000_000 + offset, "arrival", (64, 48))
    return FetchedFrame.read(source, offset, b"jpeg", headers.encode(), 1_700_000_000_000)


def put_back(offset: int, first_ns: int, source: FrameSource = SOURCE) -> FetchedFrame:
    """Return a frame that was put back from the dead letters, captured at `first_ns`."""
    replay_of = Coordinates(source.topic, source.partition, 0)
    headers = FrameHeaders("s0", offset, first_ns, "arrival", (64, 48), replay_of=replay_of)
    return FetchedFrame.read(source, offset, b"jpeg", headers.encode(), 1_700_000_000_000)


@dataclass
class FakeFrames:
    """Partitions in memory: `log` is what they hold, `committed` what the group has done."""

    log: list[FetchedFrame] = field(default_factory=list)
    per_poll: int = 50
    committed_next: dict[FrameSource, int] = field(default_factory=dict)
    positions: dict[FrameSource, int] = field(default_factory=dict)
    paused: bool = False
    commit_failures: int = 0
    revoked: set[FrameSource] = field(default_factory=set)
    events: list[tuple[str, int]] = field(default_factory=list)

    @property
    def position(self) -> int:
        return self.positions.get(SOURCE, 0)

    def subscribe(self) -> None:
        self.positions = dict(self.committed_next)

    def take_revoked(self) -> Iterable[FrameSource]:
        taken, self.revoked = self.revoked, set()
        return taken

    def poll(self, timeout_s: float) -> list[FetchedFrame]:
        if self.paused:
            return []
        fetched = self._unread()[: self.per_poll]
        for read in fetched:
            self.positions[read.source] = read.offset + 1
        return fetched

    def committed(self, source: FrameSource) -> int | None:
        return self.committed_next.get(source)

    def caught_up(self, sources: Collection[FrameSource]) -> set[FrameSource]:
        return set(sources) - {waiting.source for waiting in self._unread()}

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def commit(self, next_offsets: Mapping[FrameSource, int], timeout_s: float) -> None:
        if self.commit_failures:
            self.commit_failures -= 1
            raise TransientError("the group moved on")
        self.committed_next.update(next_offsets)
        self.events += [("committed", offset) for offset in next_offsets.values()]

    def _unread(self) -> list[FetchedFrame]:
        return [one for one in self.log if one.offset >= self.positions.get(one.source, 0)]


@dataclass
class FakeAcknowledgement:
    is_done: bool = True


@dataclass
class FakeResults:
    """Keeps what was written; acknowledges at once unless told to hold back."""

    written: list[BatchOutcome] = field(default_factory=list)
    holds_back: bool = False
    held: list[FakeAcknowledgement] = field(default_factory=list)

    def send(self, outcome: BatchOutcome) -> FakeAcknowledgement:
        self.written.append(outcome)
        acknowledgement = FakeAcknowledgement(not self.holds_back)
        self.held.append(acknowledgement)
        return acknowledgement

    def flush(self, timeout_s: float) -> None:
        for acknowledgement in self.held:
            acknowledgement.is_done = True


def output(rows: int = 1, score: float = 0.9) -> FrameOutput:
    boxes = np.tile(np.array([0.25, 0.5, 0.75, 1.0], np.float32), (rows, 1))
    scores: NDArray[np.float32] = np.full(rows, score, np.float32)
    return FrameOutput(boxes, scores, np.ones(rows, np.float32))
