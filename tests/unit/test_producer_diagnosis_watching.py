"""A camera is watched for as long as asked, and what it delivers is noted once and rightly."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from producer.camera import PacketFacts, Received
from producer.camera_faults import CameraFault, FaultKind, stream_ended
from producer.diagnosis import diagnose
from producer.diagnosis.knock import judged, reason_of
from producer.diagnosis.measurements import Sightings, measured
from producer.diagnosis.probe import Watch, watched
from producer.frames import DecodedFrame, SenderReport
from tests.producer_clips import ClipSpec, write_clip
from tests.unit.producer_fakes import EPOCH_NS, SECOND_NS, FakeCamera, FakeTime, decoded

FPS = 8
KEYFRAME_EACH = 8


class LiveCamera(FakeCamera):
    """Delivers its script at its rate: the clock goes on with each packet."""

    def __init__(self, time: FakeTime, script: Sequence[Received | Exception]) -> None:
        super().__init__([])
        self._time = time
        self._steps = script
        self.delivered = 0

    def packets(self) -> Iterator[Received]:
        for step in self._steps:
            self._time.now_s += 1 / FPS
            if isinstance(step, Exception):
                raise step
            self.delivered += 1
            yield step


def brought(number: int, *frames: DecodedFrame, report: SenderReport | None = None) -> Received:
    at_ns = number * SECOND_NS // FPS
    facts = PacketFacts(500, number % KEYFRAME_EACH == 0, at_ns)
    return Received(frames, report, 0.001, packet=facts)


def live(count: int) -> list[Received]:
    return [brought(number, decoded(number, FPS)) for number in range(count)]


def watch_of(
    script: Sequence[Received | Exception], seconds: float = 60
) -> tuple[Sightings, CameraFault | None, LiveCamera]:
    time = FakeTime()
    camera = LiveCamera(time, script)
    seen, lost = watched(camera, Watch(seconds), time)
    return seen, lost, camera


def test_watching_ends_after_the_time_asked_for() -> None:
    seen, lost, camera = watch_of(live(1000), seconds=3)
    assert lost is None
    assert camera.delivered == 3 * FPS
    figures = measured(seen, frozen_after_s=1.5)
    assert (figures.frames, figures.watched_s, figures.fps) == (24, 3, 8)
    assert (figures.corrupt, figures.frozen) == (0, 0)
    assert figures.decode_load == pytest.approx(0.008, abs=0.001)
    assert (figures.clock, figures.clock_skew_ms) == ("arrival", None)


def test_a_fault_ends_it_earlier_and_what_was_seen_until_then_is_kept() -> None:
    stalled = CameraFault("stalled", kind="stalled")
    seen, lost, _ = watch_of([*live(20), stalled])
    assert lost is stalled
    assert len(seen.frames) == 20


def test_a_stream_that_ends_by_itself_is_a_fault() -> None:
    _, lost, _ = watch_of(live(5))
    assert lost is not None
    assert str(lost) == str(stream_ended())


def test_one_picture_shown_again_and_again_is_frozen() -> None:
    script = [brought(number, decoded(number, FPS, shift=0)) for number in range(100)]
    seen, _, _ = watch_of(script)
    figures = measured(seen, frozen_after_s=5)
    assert (figures.frozen, figures.repeated) == (99, 99)


def test_corrupt_frames_count_and_frozen_ones_do_not_run_through_them() -> None:
    script = [
        brought(number, decoded(number, FPS, is_corrupt=number % 10 == 5, shift=0))
        for number in range(100)
    ]
    figures = measured(watch_of(script)[0], frozen_after_s=5)
    assert (figures.corrupt, figures.frozen, figures.repeated) == (10, 0, 89)


def test_a_packet_that_no_picture_came_of_and_an_empty_one_at_the_end_are_no_frames() -> None:
    early = Received((), None, 0.0, packet=PacketFacts(500, False, None))
    refused = DecodedFrame(None, None, EPOCH_NS, is_corrupt=True)
    flush = Received((decoded(3, FPS),), None, 0.0, packet=PacketFacts(0, False, None))
    seen, _, _ = watch_of([early, brought(0, decoded(0, FPS)), brought(1, refused), flush])
    figures = measured(seen, frozen_after_s=5)
    assert (figures.packets, figures.frames, figures.corrupt) == (3, 3, 1)


@pytest.mark.parametrize(
    ("skew_s", "clock"), [(0.25, "rtcp"), (-0.25, "rtcp"), (3600.0, "arrival")]
)
def test_the_skew_of_the_cameras_clock_is_told_even_where_it_is_not_believed(
    skew_s: float, clock: str
) -> None:
    offset_ns = EPOCH_NS + round(skew_s * 1e9)
    script = []
    for number in range(60):
        at_ns = number * SECOND_NS // FPS
        report = SenderReport(offset_ns + at_ns, at_ns) if number in (20, 21) else None
        script.append(brought(number, decoded(number, FPS), report=report))
    figures = measured(watch_of(script)[0], frozen_after_s=5)
    assert figures.clock == clock
    assert figures.clock_skew_ms == round(1000 * skew_s)


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (None, "unanswered", "says nothing"),
        (b"", "not-rtsp", "hangs up"),
        (b"HTTP/1.1 400 Bad Request\r\nServer: x", "not-rtsp", "'HTTP/1.1 400 Bad Request'"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "not-rtsp", "'SSH-2.0-OpenSSH_9.6'"),
        (b"\x00\x9c\x1b[31m", "not-rtsp", "'[31m'"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "tls", "TLS only"),
    ],
)
def test_what_a_port_answers_tells_what_it_speaks(
    answer: bytes | None, kind: FaultKind, said: str
) -> None:
    fault = judged(answer, "port 554 of gate")
    assert fault is not None
    assert fault.kind == kind
    assert said in str(fault)
    assert "port 554 of gate" in str(fault)


def test_a_port_that_answers_in_rtsp_is_at_no_fault() -> None:
    assert judged(b"RTSP/1.0 401 Unauthorized\r\n", "port 554 of gate") is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError("_ssl.c:989: The handshake operation timed out"), "no answer"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (OSError("getaddrinfo returns an empty list"), "getaddrinfo returns an empty list"),
        (ConnectionAbortedError(), "ConnectionAbortedError"),
    ],
)
def test_a_failed_connection_has_a_reason_in_words(error: OSError, reason: str) -> None:
    assert reason_of(error) == reason


@pytest.mark.parametrize(
    ("spec", "codec", "colour_range", "has_b_frames"),
    [
        (ClipSpec(), "h264", "unspecified", False),
        (ClipSpec(pixel_format="yuvj420p"), "h264", "full", False),
        (ClipSpec(codec="libx265"), "hevc", "limited", False),
        (ClipSpec(b_frames=3), "h264", "unspecified", True),
    ],
)
def test_a_stream_is_described_as_it_is_encoded(
    tmp_path: Path, spec: ClipSpec, codec: str, colour_range: str, has_b_frames: bool
) -> None:
    clip = str(write_clip(tmp_path / "clip.mp4", spec))
    diagnosis = diagnose(clip, clip, Watch())
    assert diagnosis.video is not None
    assert diagnosis.measured is not None
    assert (diagnosis.video.codec, diagnosis.video.colour_range) == (codec, colour_range)
    assert (diagnosis.video.size_wh, diagnosis.video.declared_fps) == ((320, 240), 25)
    assert diagnosis.measured.has_b_frames is has_b_frames
    assert diagnosis.measured.keyframe_interval_frames == 25
    assert diagnosis.problem is not None  # a file comes to its end, which no camera does
    assert (diagnosis.problem.code, diagnosis.verdict) == ("broken", "unhealthy")
