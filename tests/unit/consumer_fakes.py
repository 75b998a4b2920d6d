"""Hand-written stand-ins for what the consumer's loop talks to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from consumer.detections import FrameOutput
from consumer.frame import FetchedFrame, FrameSource
from consumer.worker import BatchOutcome
from contracts.frames import FrameHeaders
from runtime.errors import TransientError

SOURCE = FrameSource("frames.cam1", 0)


def frame(offset: int, session: str = "s1", source: FrameSource = SOURCE) -> FetchedFrame:
    headers = FrameHeaders(session, offset, 1_700_000_000_000_000_000 + offset, "arrival", (64, 48))
    return FetchedFrame.read(source, offset, b"jpeg", headers.encode(), 1_700_000_000_000)


@dataclass
class FakeFrames:
    """A log in memory: `log` is what the partition holds, `committed` what the group has done."""

    log: list[FetchedFrame] = field(default_factory=list)
    per_poll: int = 50
    committed: dict[FrameSource, int] = field(default_factory=dict)
    position: int = 0
    paused: bool = False
    commit_failures: int = 0
    revoked: set[FrameSource] = field(default_factory=set)
    events: list[tuple[str, int]] = field(default_factory=list)

    def subscribe(self) -> None:
        self.position = self.committed.get(SOURCE, 0)

    def take_revoked(self) -> Iterable[FrameSource]:
        taken, self.revoked = self.revoked, set()
        return taken

    def poll(self, timeout_s: float) -> list[FetchedFrame]:
        if self.paused:
            return []
        fetched = self.log[self.position : self.position + self.per_poll]
        self.position += len(fetched)
        return fetched

    def is_caught_up(self, source: FrameSource) -> bool:
        return self.position >= len(self.log)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def commit(self, next_offsets: Mapping[FrameSource, int]) -> None:
        if self.commit_failures:
            self.commit_failures -= 1
            raise TransientError("the group moved on")
        self.committed.update(next_offsets)
        self.events += [("committed", offset) for offset in next_offsets.values()]


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
