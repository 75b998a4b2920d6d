"""Each frame of a session is put out or counted, whatever it is."""

import random
from collections.abc import Callable
from typing import get_args

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.frames import DropReason
from producer.capture_clock import CaptureClock
from producer.frames import DecodedFrame, EncodedFrame, SenderReport
from producer.jpeg import JpegEncoder
from producer.load import LoadGovernor, LoadPacer
from producer.outbox import Outbox
from producer.pacing import Pacer
from producer.selection import FrameSelection
from producer.stillness import StillnessWatch
from producer.stream_session import StreamSession
from tests.unit.producer_fakes import (
    EPOCH_NS,
    SECOND_NS,
    FakeTime,
    RecordingLog,
    decoded,
    stream_metrics,
)

REASONS = get_args(DropReason)


class Bench:
    """A session with all that it feeds."""

    def __init__(
        self,
        max_fps: float | None = None,
        max_bytes: int = 1_000_000,
        capacity: int = 1000,
        encoder: JpegEncoder | None = None,
    ) -> None:
        metrics, self.value = stream_metrics()
        self.outbox = Outbox(capacity, 1000, metrics)
        self.recorded, log = RecordingLog.pair()
        self.time = FakeTime()
        selection = FrameSelection(
            Pacer(max_fps), LoadPacer(LoadGovernor(10)), StillnessWatch(10, 5)
        )
        self.session = StreamSession(
            "session",
            CaptureClock(SECOND_NS),
            selection,
            JpegEncoder(85, None, max_bytes) if encoder is None else encoder,
            self.outbox,
            metrics,
            log,
            self.time,
        )

    def dropped(self) -> dict[str, float]:
        counts = {r: self.value("frames_dropped_total", reason=r) for r in REASONS}
        return {reason: count for reason, count in counts.items() if count}

    def put_out(self) -> list[EncodedFrame]:
        frames = []
        while (entry := self.outbox.take(0)) is not None:
            frames.append(entry.frame)
        return frames


def test_frames_are_numbered_as_the_source_delivered_them() -> None:
    bench = Bench(max_fps=12.5)
    for number in range(6):
        bench.session.accept(decoded(number, fps=25))
    assert [frame.seq for frame in bench.put_out()] == [0, 2, 4]
    assert bench.value("frames_captured_total") == 6
    assert bench.dropped() == {"paced": 3}


def test_corrupt_frames_and_refused_packets_are_dropped_and_take_no_place_in_the_pace() -> None:
    bench = Bench(max_fps=12.5)
    bench.session.accept(DecodedFrame(None, None, EPOCH_NS, is_corrupt=True))
    bench.session.accept(decoded(1, is_corrupt=True))
    bench.session.accept(decoded(2))
    assert [frame.seq for frame in bench.put_out()] == [2]
    assert bench.dropped() == {"corrupt": 2}


def test_a_frozen_camera_is_told_once_and_its_frames_are_counted() -> None:
    bench = Bench()
    for number in range(30):
        bench.session.accept(decoded(number, fps=1, shift=0))
        bench.time.now_s += 1
    bench.session.accept(decoded(30, fps=1, shift=9))
    assert len(bench.recorded.named("stream.frozen")) == 1
    assert len(bench.recorded.named("stream.thawed")) == 1
    assert [frame.seq for frame in bench.put_out()] == [*range(10), 15, 20, 25, 30]
    assert bench.dropped() == {"frozen": 17}


def test_a_picture_that_is_too_large_at_any_quality_is_dropped_as_oversized() -> None:
    bench = Bench(max_bytes=10)
    bench.session.accept(decoded(0))
    assert bench.dropped() == {"oversized": 1}


class UnableEncoder(JpegEncoder):
    """Meets a pixel format that FFmpeg cannot convert."""

    def encode(self, picture: av.VideoFrame) -> None:
        raise ValueError("no conversion")


def test_a_picture_that_cannot_be_converted_is_dropped_as_corrupt() -> None:
    bench = Bench(encoder=UnableEncoder(85, None, 1_000_000))
    bench.session.accept(decoded(0))
    assert bench.put_out() == []
    assert bench.dropped() == {"corrupt": 1}


class BrokenEncoder(JpegEncoder):
    """Holds a defect."""

    def encode(self, picture: av.VideoFrame) -> None:
        raise ZeroDivisionError


def test_a_frame_that_meets_a_defect_is_counted_too() -> None:
    bench = Bench(encoder=BrokenEncoder(85, None, 1_000_000))
    with pytest.raises(ZeroDivisionError):
        bench.session.accept(decoded(0))
    assert bench.dropped() == {"corrupt": 1}


def test_the_clock_is_told_when_it_turns() -> None:
    bench = Bench()
    for number in range(50):
        bench.session.learn(SenderReport(EPOCH_NS + number * SECOND_NS // 25, number * 40_000_000))
        bench.session.accept(decoded(number, fps=25))
    clocks = [event["clock"] for event in bench.recorded.named("stream.clock")]
    assert clocks == ["arrival", "rtcp"]


def test_a_clock_that_is_far_off_is_told_once() -> None:
    bench = Bench()
    for number in range(5):
        bench.session.learn(SenderReport(EPOCH_NS - 3600 * SECOND_NS, number * 40_000_000))
        bench.session.accept(decoded(number, fps=25))
    (warning,) = bench.recorded.named("stream.clock_skewed")
    assert warning["skew_s"] == pytest.approx(-3600, abs=1)
    assert {frame.clock for frame in bench.put_out()} == {"arrival"}


FRAMES: list[Callable[[int], DecodedFrame]] = [
    lambda number: decoded(number),
    lambda number: decoded(number, shift=0),
    lambda number: decoded(number, is_corrupt=True),
    lambda number: DecodedFrame(None, None, EPOCH_NS, is_corrupt=True),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(range(len(FRAMES))), max_size=60), st.integers(0, 2**32))
def test_every_captured_frame_is_accounted_for(kinds: list[int], seed: int) -> None:
    bench, rng = Bench(max_fps=10, capacity=3), random.Random(seed)
    for number, kind in enumerate(kinds):
        bench.session.accept(FRAMES[kind](number))
        bench.time.now_s += rng.choice((0.04, 4.0))
    put_out = bench.put_out()
    assert bench.value("frames_captured_total") == len(kinds)
    assert len(kinds) == len(put_out) + sum(bench.dropped().values())
