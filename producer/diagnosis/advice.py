"""Judges what was measured: why a camera is unhealthy, and what is worth a warning."""

from collections.abc import Callable

from producer.diagnosis.report import Finding, Measurements, Video
from producer.diagnosis.rhythm import JITTER_PERCENTILE

MOST = 0.5
"""A stream with more corrupt or frozen frames than this share is no video to rely on."""
LONGEST_KEYFRAME_INTERVAL_S = 4.0
UNEVEN_MS = 100.0
LARGEST_PX = 3840 * 2160
"""What is sold as 8 megapixels."""
SKEWED_MS = 1000
RATE_TOLERANCE = 0.1
SLOWEST_PACE = 0.9
BUSIEST = 0.7
REPORTS_WITHIN_S = 15.0
"""RFC 3550, 6.2, asks for a report each 5 s at least in the mean; MediaMTX sends one each 10 s."""

Rule = Callable[[Video, Measurements], Finding | None]


def problem(measured: Measurements) -> Finding | None:
    """Return why this is no healthy video, None if it is."""
    if measured.frames == 0:
        return _nothing_shown(measured)
    if measured.corrupt > MOST * measured.frames:
        return Finding(
            "corrupt",
            f"{measured.corrupt} of {measured.frames} frames are corrupt",
            "look for packet loss between camera and here (cable, Wi-Fi, a switch at its limit), "
            "then lower the camera's bit rate or restart it",
        )
    if measured.corrupt + measured.frozen > MOST * measured.frames:
        return Finding(
            "frozen",
            f"{measured.frozen} of {measured.frames} frames repeat one picture, pixel for pixel",
            "restart the camera: its sensor or encoder hangs, or it shows a still picture "
            "(no signal, privacy mode)",
        )
    return None


def warnings(video: Video, measured: Measurements) -> tuple[Finding, ...]:
    """Return what does not keep the stream from being used, the gravest first."""
    found = (rule(video, measured) for rule in _RULES)
    return tuple(finding for finding in found if finding is not None)


def _nothing_shown(measured: Measurements) -> Finding:
    if measured.packets == 0:
        return Finding(
            "no-frames",
            f"connected, but no frame came within {measured.watched_s:g} s",
            "open the stream in the camera's own web page; restart the camera if it is black there",
        )
    return Finding(
        "no-keyframe",
        f"{measured.packets} packets came within {measured.watched_s:g} s and no key frame was "
        "among them: no picture can be built without one",
        "set the camera's key-frame (I-frame, GOP) interval to 1 to 2 s; "
        "or watch longer: --seconds 60",
    )


def _some_corrupt(_video: Video, measured: Measurements) -> Finding | None:
    if not 0 < measured.corrupt <= MOST * measured.frames:
        return None
    return Finding(
        "some-corrupt",
        f"{measured.corrupt} of {measured.frames} frames are corrupt; the producer drops them",
        "look for packet loss between camera and here; try a lower bit rate",
    )


def _some_frozen(_video: Video, measured: Measurements) -> Finding | None:
    if not 0 < measured.frozen <= MOST * measured.frames:
        return None
    return Finding(
        "some-frozen",
        f"{measured.frozen} of {measured.frames} frames repeat one picture, pixel for pixel",
        "watch longer (--seconds 60); if it goes on, restart the camera",
    )


def _mostly_repeats(_video: Video, measured: Measurements) -> Finding | None:
    # A hung sensor that is encoded anew looks so: each key frame changes some pixels.
    if measured.frozen or measured.repeated <= MOST * measured.frames:
        return None
    return Finding(
        "mostly-repeats",
        f"{measured.repeated} of {measured.frames} frames repeat the one before, pixel for pixel: "
        "a still scene that the encoder saves bits on, or a sensor that hangs",
        "let something move in front of the camera and look again",
    )


def _slower_than_live(_video: Video, measured: Measurements) -> Finding | None:
    pace = measured.media_pace
    if pace is None or pace >= SLOWEST_PACE:
        return None
    return Finding(
        "slower-than-live",
        f"one second brings {pace:.2f} s of video: it falls behind",
        "check the network's bandwidth against the bit rate, and the load of this machine",
    )


def _hard_to_decode(_video: Video, measured: Measurements) -> Finding | None:
    is_busy = measured.decode_load is not None and measured.decode_load > BUSIEST
    if not is_busy and not measured.skipped:
        return None
    return Finding(
        "hard-to-decode",
        f"decoding takes {100 * (measured.decode_load or 0):.0f} % of the one thread that a camera "
        f"has; {measured.skipped} frames were skipped",
        "read a smaller stream (most cameras have a second one), or fewer frames a second",
    )


def _long_keyframe_interval(_video: Video, measured: Measurements) -> Finding | None:
    interval_s = measured.keyframe_interval_s
    if interval_s is None or interval_s <= LONGEST_KEYFRAME_INTERVAL_S:
        return None
    bound = "at least " if measured.is_keyframe_interval_open else ""
    return Finding(
        "long-keyframe-interval",
        f"up to {bound}{interval_s:g} s pass between key frames: so long no frame is published "
        "after each connection, nor a whole one after a loss",
        "set the camera's key-frame (I-frame, GOP) interval to 1 to 2 s, and switch off "
        "'smart' or '+' codecs, which stretch it",
    )


def _b_frames(_video: Video, measured: Measurements) -> Finding | None:
    if not measured.has_b_frames:
        return None
    return Finding(
        "b-frames",
        "B-frames: each picture waits for later ones before it can be decoded",
        "set the camera's B-frames to 0, or its H.264 profile to Baseline, for less latency",
    )


def _uneven(_video: Video, measured: Measurements) -> Finding | None:
    if measured.jitter_ms is None or measured.jitter_ms <= UNEVEN_MS:
        return None
    return Finding(
        "uneven",
        f"frames arrive unevenly: {100 - JITTER_PERCENTILE} in 100 are off by more than "
        f"{measured.jitter_ms:.0f} ms",
        "prefer a cable to Wi-Fi; look at the load of the camera, of the network and of this "
        "machine",
    )


def _other_rate(video: Video, measured: Measurements) -> Finding | None:
    declared, came = video.declared_fps, measured.fps
    if declared is None or came is None or abs(came - declared) <= RATE_TOLERANCE * declared:
        return None
    return Finding(
        "other-rate",
        f"the stream declares {declared:g} frames/s, and {came:g} came",
        "check the camera's frame rate and its exposure time: in the dark many lower the rate",
    )


def _variable_rate(_video: Video, measured: Measurements) -> Finding | None:
    if not measured.is_variable_rate:
        return None
    return Finding(
        "variable-rate",
        "the frame rate varies",
        "set a constant rate if times between frames matter; framerail takes it as it is",
    )


def _large(video: Video, _measured: Measurements) -> Finding | None:
    width, height = video.size_wh
    if width * height <= LARGEST_PX:
        return None
    return Finding(
        "large",
        f"{width}x{height} is more than 8 megapixels",
        "read a smaller stream of the camera, or let max_width scale it down",
    )


def _range(video: Video, _measured: Measurements) -> Finding | None:
    if video.colour_range != "full":
        return None
    return Finding(
        "full-range",
        "colours of full range: framerail keeps them, other tools may show them too dark or pale",
        "set the camera to limited range (16-235) if another tool reads it too",
    )


def _skewed(_video: Video, measured: Measurements) -> Finding | None:
    skew_ms = measured.clock_skew_ms
    if skew_ms is None or abs(skew_ms) <= SKEWED_MS:
        return None
    side = "ahead of" if skew_ms > 0 else "behind"
    consequence = "" if measured.clock == "rtcp" else ", so frames are stamped when they arrive"
    return Finding(
        "clock-skewed",
        f"the camera's clock is {abs(skew_ms) / 1000:.1f} s {side} this machine's{consequence}",
        "point the camera and this machine at the same NTP server",
    )


def _no_reports(_video: Video, measured: Measurements) -> Finding | None:
    if measured.clock_skew_ms is not None or measured.watched_s < REPORTS_WITHIN_S:
        return None
    return Finding(
        "no-wall-time",
        "the camera sends no RTCP wall time: frames are stamped when they arrive, late by the "
        "network's delay",
        "switch on RTCP or NTP in the camera if capture times matter",
    )


_RULES: tuple[Rule, ...] = (
    _some_corrupt,
    _some_frozen,
    _mostly_repeats,
    _slower_than_live,
    _hard_to_decode,
    _other_rate,
    _skewed,
    _long_keyframe_interval,
    _uneven,
    _variable_rate,
    _b_frames,
    _large,
    _range,
    _no_reports,
)
