"""Adds up what was seen of one camera; no clock, no network and no picture is touched here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from contracts.frames import Clock
from producer.diagnosis.report import Measurements
from producer.diagnosis.rhythm import (
    JUMP_S,
    is_variable,
    jitter_ms,
    longest_gap_ms,
    media_pace,
    rate,
)

SETTLE_S = 1.0
"""What FFmpeg collected while it opened the stream comes at once: no rate is measured so early."""
_LEAST_REORDERED = 2
"""Packets whose time lies before that of the one before; a clock set anew makes one."""


@dataclass(frozen=True, slots=True)
class SeenPacket:
    """One packet: when it arrived (s, monotonic), its size, its media time (s) if it has one."""

    arrival_s: float
    size_bytes: int
    is_keyframe: bool
    media_s: float | None
    is_skipped: bool = False


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """One frame that the decoder put out; `is_repeat`: not a pixel differs from the one before."""

    arrival_s: float
    media_s: float | None
    is_corrupt: bool = False
    is_repeat: bool = False


@dataclass(slots=True)
class Sightings:
    """All that was seen from `begun_s` to `ended_s` (s, monotonic), in order of arrival.

    `clock` is the one that the producer would stamp frames by, `skew_ns` how far the camera's lies
    from ours at the promptest frame.
    """

    begun_s: float
    ended_s: float
    packets: list[SeenPacket] = field(default_factory=list)
    frames: list[SeenFrame] = field(default_factory=list)
    decode_s: float = 0.0
    clock: Clock = "arrival"
    skew_ns: int | None = None

    @property
    def watched_s(self) -> float:
        """Seconds from the connection to the end."""
        return self.ended_s - self.begun_s


@dataclass(frozen=True, slots=True)
class KeyframeInterval:
    """The longest stretch from a key frame to the next; `is_open` where no next one was seen."""

    frames: int
    seconds: float
    is_open: bool


def measured(seen: Sightings, frozen_after_s: float) -> Measurements:
    """Measure what was seen; a picture that stays for `frozen_after_s` seconds is frozen."""
    settled = [frame for frame in seen.frames if frame.arrival_s >= _settled_s(seen)]
    arrivals_s = [frame.arrival_s for frame in settled]
    moments = [(f.arrival_s, f.media_s) for f in settled if f.media_s is not None]
    interval = keyframe_interval(seen.packets)
    return Measurements(
        watched_s=round(seen.watched_s, 2),
        first_frame_s=round(seen.frames[0].arrival_s - seen.begun_s, 2) if seen.frames else None,
        packets=len(seen.packets),
        frames=len(seen.frames),
        corrupt=sum(frame.is_corrupt for frame in seen.frames),
        frozen=frozen_frames(seen.frames, frozen_after_s),
        repeated=sum(frame.is_repeat for frame in seen.frames),
        skipped=sum(packet.is_skipped for packet in seen.packets),
        fps=_rounded(rate(arrivals_s), 2),
        media_pace=_rounded(media_pace(moments), 3),
        is_variable_rate=is_variable([f.media_s for f in seen.frames if f.media_s is not None]),
        jitter_ms=_rounded(jitter_ms(moments), 1),
        longest_gap_ms=_rounded(longest_gap_ms(arrivals_s), 1),
        keyframes=sum(packet.is_keyframe for packet in seen.packets),
        keyframe_interval_frames=None if interval is None else interval.frames,
        keyframe_interval_s=None if interval is None else round(interval.seconds, 2),
        is_keyframe_interval_open=interval is not None and interval.is_open,
        has_b_frames=is_reordered(seen.packets),
        bit_rate_bps=_bit_rate_bps(seen),
        decode_load=_decode_load(seen),
        clock=seen.clock,
        clock_skew_ms=None if seen.skew_ns is None else round(seen.skew_ns / 1e6),
    )


def frozen_frames(frames: Iterable[SeenFrame], frozen_after_s: float) -> int:
    """Count the frames that repeat one picture for at least `frozen_after_s` seconds."""
    runs = (list(run) for is_repeat, run in groupby(frames, lambda f: f.is_repeat) if is_repeat)
    return sum(len(run) for run in runs if run[-1].arrival_s - run[0].arrival_s >= frozen_after_s)


def keyframe_interval(packets: Sequence[SeenPacket]) -> KeyframeInterval | None:
    """Return the longest interval between key frames, those cut by either end included.

    A cut one is a lower bound: the camera may have sent a key frame long before the first packet.
    """
    if not packets:
        return None
    marks = [number for number, packet in enumerate(packets) if packet.is_keyframe]
    newest = len(packets) - 1
    first, last = (marks[0], marks[-1]) if marks else (newest, newest)
    stretches = [(0, first, True), (last, newest, True)]
    stretches += [(earlier, later, False) for earlier, later in pairwise(marks)]
    intervals = [
        KeyframeInterval(end - begin, _seconds(packets[begin], packets[end]), is_open)
        for begin, end, is_open in stretches
    ]
    # Of equal ones that which took longest: the first packet of all often has no media time.
    return max(intervals, key=lambda found: (found.frames, not found.is_open, found.seconds))


def is_reordered(packets: Sequence[SeenPacket]) -> bool:
    """Whether packets come in another order than they are shown in, as B-frames make them."""
    times_s = [packet.media_s for packet in packets if packet.media_s is not None]
    return sum(later < earlier for earlier, later in pairwise(times_s)) >= _LEAST_REORDERED


def _settled_s(seen: Sightings) -> float:
    begun_s = seen.packets[0].arrival_s if seen.packets else seen.begun_s
    return begun_s + min(SETTLE_S, seen.watched_s / 4)


def _seconds(earlier: SeenPacket, later: SeenPacket) -> float:
    """Return the time between two packets: by arrival, or by media where those came in a burst."""
    arrived_s = later.arrival_s - earlier.arrival_s
    if earlier.media_s is None or later.media_s is None:
        return arrived_s
    media_s = later.media_s - earlier.media_s
    return media_s if arrived_s < media_s < arrived_s + JUMP_S else arrived_s


def _bit_rate_bps(seen: Sightings) -> int | None:
    settled = [packet for packet in seen.packets if packet.arrival_s >= _settled_s(seen)]
    packets_per_s = rate([packet.arrival_s for packet in settled])
    if packets_per_s is None:
        return None
    mean_bytes = sum(packet.size_bytes for packet in settled[1:]) / (len(settled) - 1)
    return round(8 * mean_bytes * packets_per_s)


def _decode_load(seen: Sightings) -> float | None:
    if not seen.frames:
        return None
    span_s = seen.ended_s - seen.frames[0].arrival_s
    return round(seen.decode_s / span_s, 3) if span_s > 0 else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
