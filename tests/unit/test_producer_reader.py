"""A camera is connected again for ever, with growing waits, and never ends its thread."""

import random
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from producer.camera_faults import CameraFault
from producer.capture_clock import CaptureClock
from producer.frames import DecodedFrame, EncodedFrame
from producer.jpeg import JpegEncoder
from producer.load import LoadGovernor, LoadPacer
from producer.outbox import Outbox
from producer.pacing import Pacer
from producer.selection import FrameSelection
from producer.stillness import StillnessWatch
from producer.stream_reader import Reconnection, StreamReader
from producer.stream_session import StreamSession
from runtime.stop import StopSignal
from tests.unit.producer_fakes import (
    SECOND_NS,
    FakeCamera,
    FakeTime,
    RecordingLog,
    decoded,
    fault,
    received,
    stream_metrics,
)


class PatientStop(StopSignal):
    """Waits pass at once, by moving the fake clock, and are kept."""

    def __init__(self, time: FakeTime) -> None:
        super().__init__()
        self._time = time
        self.waited_s: list[float] = []

    def wait(self, timeout_s: float) -> bool:
        self._time.now_s += timeout_s
        self.waited_s.append(timeout_s)
        return self.is_set


class SlowToConnect(FakeCamera):
    """Takes some seconds of the fake clock to connect, and then delivers nothing."""

    def __init__(self, takes_s: float) -> None:
        super().__init__()
        self.takes_s = takes_s


class Bench:
    """A reader whose attempts to connect follow a script; after it, the stop signal is given."""

    def __init__(self, attempts: list[FakeCamera | Exception], settled_after_s: float = 5) -> None:
        self.time = FakeTime()
        self.stop = PatientStop(self.time)
        self.attempts = attempts
        self.recorded, self.log = RecordingLog.pair()
        self.metrics, self.value = stream_metrics()
        self.outbox = Outbox(100, 100, self.metrics)
        self.beats = 0
        self.attempts_at_s: list[float] = []
        self.reader = StreamReader(
            self.connect,
            self.new_session,
            Reconnection(first_s=1, longest_s=8, settled_after_s=settled_after_s),
            self.stop,
            self.beat,
            self.metrics,
            self.log,
            self.time,
            random.Random(1),
        )

    def connect(self) -> FakeCamera:
        self.attempts_at_s.append(self.time.now_s)
        attempt = self.attempts.pop(0)
        if not self.attempts:
            self.stop.set()
        if isinstance(attempt, SlowToConnect):
            self.time.now_s += attempt.takes_s
        if isinstance(attempt, Exception):
            raise attempt
        return attempt

    def new_session(self, session: str) -> StreamSession:
        selection = FrameSelection(Pacer(None), LoadPacer(LoadGovernor(10)), StillnessWatch(10, 5))
        encoder = JpegEncoder(85, None, 1_000_000)
        clock = CaptureClock(SECOND_NS)
        return StreamSession(
            session, clock, selection, encoder, self.outbox, self.metrics, self.log, self.time
        )

    def beat(self) -> None:
        self.beats += 1

    def gaps_s(self) -> list[float]:
        times = self.attempts_at_s
        return [later - earlier for earlier, later in pairwise(times)]


class SlowCamera(FakeCamera):
    """Stays connected for some seconds of the fake clock."""

    def __init__(self, time: Callable[[], FakeTime], lasts_s: float) -> None:
        super().__init__()
        self._time = time
        self._lasts_s = lasts_s

    def packets(self) -> Any:
        yield received(decoded(0))
        self._time().now_s += self._lasts_s
        raise fault()


def frames_of(outbox: Outbox) -> list[EncodedFrame]:
    frames = []
    while (entry := outbox.take(0)) is not None:
        frames.append(entry.frame)
    return frames


def test_waits_grow_up_to_the_longest_and_are_jittered() -> None:
    bench = Bench([fault()] * 8)
    bench.reader.run()
    bounds = [1, 2, 4, 8, 8, 8, 8]
    for gap_s, bound_s in zip(bench.gaps_s(), bounds, strict=True):
        assert bound_s / 2 <= gap_s <= bound_s + 0.001
    assert bench.value("stream_reconnects_total") == 7


def test_waits_start_anew_after_a_connection_that_lasted() -> None:
    times: list[FakeTime] = []
    lasting = SlowCamera(lambda: times[0], lasts_s=60)
    bench = Bench([fault(), fault(), fault(), lasting, fault()])
    times.append(bench.time)
    bench.reader.run()
    assert bench.gaps_s()[3] - 60 <= 1.001


def test_waits_go_on_growing_where_connections_break_at_once() -> None:
    bench = Bench([FakeCamera(), FakeCamera(), FakeCamera(), FakeCamera(), FakeCamera()])
    bench.reader.run()
    assert bench.gaps_s()[3] >= 4


def test_a_wrong_password_is_tried_again_but_seldom() -> None:
    bench = Bench([fault(needs_a_person=True)] * 3)
    bench.reader.run()
    assert all(gap_s >= 8 for gap_s in bench.gaps_s())


def test_equal_losses_are_told_once_until_something_else_happens() -> None:
    other = CameraFault("unknown host")
    bench = Bench([fault(), fault(), fault(), other, FakeCamera()])
    bench.reader.run()
    reasons = [event["reason"] for event in bench.recorded.named("stream.lost")]
    assert reasons == ["connection refused", "unknown host"]


def test_each_connection_is_a_session_of_its_own_and_frames_are_counted_in_it() -> None:
    cameras = [
        FakeCamera([received(decoded(0)), received(decoded(1), decoded(2)), fault()]),
        FakeCamera([received(decoded(0))]),
        FakeCamera(),
    ]
    bench = Bench([*cameras])
    bench.reader.run()
    frames = frames_of(bench.outbox)
    assert [frame.seq for frame in frames] == [0, 1, 2, 0]
    assert len({frame.session for frame in frames}) == 2
    assert all(camera.is_closed for camera in cameras)
    assert bench.value("stream_connected") == 0


def test_a_defect_met_on_a_frame_is_told_and_the_camera_is_connected_again() -> None:
    broken = FakeCamera([ZeroDivisionError("defect"), received(decoded(0))])
    bench = Bench([broken, FakeCamera([received(decoded(0))]), FakeCamera()])
    bench.reader.run()
    assert len(bench.recorded.named("stream.failed")) == 1
    assert len(frames_of(bench.outbox)) == 1


def test_a_defect_met_while_connecting_is_told_and_the_camera_is_connected_again() -> None:
    bench = Bench([ZeroDivisionError("defect"), FakeCamera([received(decoded(0))]), FakeCamera()])
    bench.reader.run()
    assert len(bench.recorded.named("stream.failed")) == 1
    assert len(frames_of(bench.outbox)) == 1


def test_a_connection_that_took_long_and_delivered_nothing_has_not_settled() -> None:
    bench = Bench([SlowToConnect(60), SlowToConnect(60), SlowToConnect(60), FakeCamera()])
    bench.reader.run()
    assert bench.gaps_s()[2] - 60 >= 2


def test_the_thread_beats_while_it_waits_and_while_nothing_can_be_decoded() -> None:
    bench = Bench([fault(needs_a_person=True), FakeCamera([received()] * 5), FakeCamera()])
    bench.reader.run()
    assert bench.beats >= 8 + 5
    assert max(bench.stop.waited_s) <= 1


def test_the_stop_signal_ends_a_session_between_two_packets() -> None:
    endless: list[Any] = [received(DecodedFrame(None, None, 0, is_corrupt=True))] * 1000
    bench = Bench([FakeCamera(endless)])
    thread = threading.Thread(target=bench.reader.run)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert bench.value("frames_captured_total") == 0
