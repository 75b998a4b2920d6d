"""What is told of one camera: the document of `framerail doctor --json`."""

from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from contracts.frames import Clock
from producer.camera import Transport

Verdict = Literal["healthy", "warnings", "unhealthy", "unreachable"]
ColourRange = Literal["limited", "full", "unspecified"]


class Finding(Struct, frozen=True):
    """Something that a person should know: a code for programs, the fact, and what to do next."""

    code: str
    said: str
    next_step: str


class Video(Struct, frozen=True, kw_only=True):
    """What the stream says of itself; None where it says nothing. `size_wh` is in pixels."""

    codec: str
    profile: str | None
    pixel_format: str | None
    colour_range: ColourRange
    size_wh: tuple[int, int]
    declared_fps: float | None


class Measurements(Struct, frozen=True, kw_only=True):
    """What was measured; None where too little came to measure it.

    `first_frame_s` is counted from the connection. `frames` counts those decoded, `corrupt` and
    `frozen` ones included, `skipped` those that this machine was too slow to decode. `repeated`
    ones differ in no pixel from the frame before, `frozen` ones do so for long. `media_pace` is
    media seconds a second: below 1 the video arrives slower than it was captured.
    The key-frame interval is the longest seen, and a lower bound where `is_keyframe_interval_open`.
    `decode_load` is the part of the time that decoding takes, in the one thread of a camera.
    `clock_skew_ms` is the camera's clock less ours, less the time that a frame takes to arrive.
    """

    watched_s: float
    first_frame_s: float | None
    packets: int
    frames: int
    corrupt: int
    frozen: int
    repeated: int
    skipped: int
    fps: float | None
    media_pace: float | None
    is_variable_rate: bool
    jitter_ms: float | None
    longest_gap_ms: float | None
    keyframes: int
    keyframe_interval_frames: int | None
    keyframe_interval_s: float | None
    is_keyframe_interval_open: bool
    has_b_frames: bool
    bit_rate_bps: int | None
    decode_load: float | None
    clock: Clock
    clock_skew_ms: int | None


class StreamEntry(Struct, frozen=True, kw_only=True):
    """The entry of `streams.yaml` that is advised: fields of `StreamSpec`, unset where not needed.

    `url` names variables of the environment in place of the user and the password.
    """

    id: str
    url: str
    max_fps: int | UnsetType = UNSET
    max_width: int | UnsetType = UNSET


class Diagnosis(Struct, frozen=True, kw_only=True):
    """All that is told of one camera; `url` is without its user and password.

    `problem` is why the verdict is `unhealthy` or `unreachable`, None for the others. `video` and
    `measured` are None where no connection came about.
    """

    url: str
    transport: Transport
    verdict: Verdict
    problem: Finding | None
    warnings: tuple[Finding, ...] = ()
    video: Video | None = None
    measured: Measurements | None = None
    advised_entry: StreamEntry | None = None
