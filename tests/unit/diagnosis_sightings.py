"""What a camera might have been seen to do, and the figures of a healthy one."""

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from producer.diagnosis.measurements import SeenFrame, SeenPacket, Sightings
from producer.diagnosis.report import Measurements, Video

BEGUN_S = 1000.0
MEDIA_S = 50.0
PACKET_BYTES = 2000
HD = Video(
    codec="h264",
    profile="High",
    pixel_format="yuv420p",
    colour_range="limited",
    size_wh=(1920, 1080),
    declared_fps=10.0,
)
HEALTHY = Measurements(
    watched_s=10.0,
    first_frame_s=0.4,
    packets=100,
    frames=100,
    corrupt=0,
    frozen=0,
    repeated=0,
    skipped=0,
    fps=10.0,
    media_pace=1.0,
    is_variable_rate=False,
    jitter_ms=2.0,
    longest_gap_ms=110.0,
    keyframes=10,
    keyframe_interval_frames=10,
    keyframe_interval_s=1.0,
    is_keyframe_interval_open=False,
    has_b_frames=False,
    bit_rate_bps=1_000_000,
    decode_load=0.05,
    clock="rtcp",
    clock_skew_ms=-40,
)


def figures(**changes: Any) -> Measurements:
    return replace(HEALTHY, **changes)


def video(**changes: Any) -> Video:
    return replace(HD, **changes)


def seen_at(
    arrivals_s: Iterable[float], captured_s: Iterable[float] | None = None, keyframe_each: int = 25
) -> Sightings:
    """Return a packet and a frame for each moment (s from the connection), captured when shown."""
    arrivals = list(arrivals_s)
    captures = arrivals if captured_s is None else list(captured_s)
    sightings = Sightings(BEGUN_S, BEGUN_S + arrivals[-1])
    for number, (arrival_s, capture_s) in enumerate(zip(arrivals, captures, strict=True)):
        at_s, media_s = BEGUN_S + arrival_s, MEDIA_S + capture_s
        is_keyframe = number % keyframe_each == 0
        sightings.packets.append(SeenPacket(at_s, PACKET_BYTES, is_keyframe, media_s))
        sightings.frames.append(SeenFrame(at_s, media_s))
    return sightings


def steady(fps: float, seconds: float) -> list[float]:
    """Return the moments of a constant rate."""
    return [number / fps for number in range(round(fps * seconds) + 1)]
