"""Hand-written stand-ins for what a replay and a comparison read from."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from contracts.frames import FrameHeaders
from contracts.names import BatchId
from contracts.results import BatchResult, Detection, FrameResult, Model, Source, Timings
from runtime.log_reader import Span

TOPIC = "frames.cam1"
CAPTURED_NS = 1_790_000_000_000_000_000
STEP_NS = 100_000_000
"""Ten frames a second."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Record:
    """A record of kafka-python's, as far as it is looked at."""

    offset: int
    headers: list[tuple[str, bytes]]
    timestamp: int
    value: bytes | None = b"no JPEG"
    topic: str = TOPIC
    partition: int = 0


def captured_ns(offset: int) -> int:
    return CAPTURED_NS + offset * STEP_NS


def record(offset: int, session: str = "s1", value: bytes = b"no JPEG") -> Record:
    headers = FrameHeaders(session, offset, captured_ns(offset), "arrival", (64, 48)).encode()
    return Record(offset, headers, captured_ns(offset) // 1_000_000, value)


@dataclass
class FakeLog:
    """One frames topic in memory; `expires_below` deletes what lies before it at the next poll."""

    log: list[Record] = field(default_factory=list)
    others: set[str] = field(default_factory=set)
    per_poll: int = 40
    expires_below: int = 0
    paused: bool = False
    at: int = 0

    def topics(self) -> set[str]:
        return {TOPIC, *self.others}

    def span(self, topic: str) -> Span:
        end = self.log[-1].offset + 1 if self.log else 0
        return Span(self.log[0].offset if self.log else end, end)

    def first_since(self, topic: str, moment_ms: int) -> int | None:
        return next((one.offset for one in self.log if one.timestamp >= moment_ms), None)

    def records(self, topic: str, first: int, end: int) -> Iterator[Record]:
        return iter([one for one in self.log if first <= one.offset < end])

    def record_at(self, topic: str, offset: int) -> Record | None:
        return next(self.records(topic, offset, offset + 1), None)

    def go_to(self, topic: str, offset: int) -> None:
        self.at = offset

    def poll(self, timeout_s: float) -> list[Record]:
        if self.paused:
            return []
        self.log = [one for one in self.log if one.offset >= self.expires_below]
        fetched = [one for one in self.log if one.offset >= self.at][: self.per_poll]
        if fetched:
            self.at = fetched[-1].offset + 1
        return fetched

    def position(self) -> int:
        return self.at

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False


@dataclass
class FakeClock:
    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def person(*xyxy: float, confidence: float = 0.9, class_id: int = 1) -> Detection:
    x1, y1, x2, y2 = xyxy
    return Detection((x1, y1, x2, y2), confidence, class_id, f"class {class_id}")


def frame(
    offset: int, *detections: Detection, refused: str | None = None, shift_ns: int = 0
) -> FrameResult:
    return FrameResult(offset, captured_ns(offset) + shift_ns, (64, 48), detections, refused)


def result(*frames: FrameResult, version: str = "1") -> BatchResult:
    first, last = frames[0], frames[-1]
    return BatchResult(
        batch_id=str(BatchId(TOPIC, 0, first.offset)),
        stream_id="cam1",
        source=Source(TOPIC, 0, first.offset, last.offset),
        model=Model("ssd", version),
        closed_by="size",
        captured_first_ns=first.captured_ns,
        captured_last_ns=last.captured_ns,
        inferred_ns=last.captured_ns + 1,
        timings=Timings(0, 0, 0),
        frames=frames,
    )
