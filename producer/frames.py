"""A frame on its way through the producer: as the decoder delivered it, and as it is published."""

from dataclasses import dataclass

from av import VideoFrame

from contracts.frames import Clock
from producer.frame_trace import UNTRACED, FrameTrace


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """One frame as the decoder delivered it.

    `picture` is None where the decoder refused the packet; `pts_ns` is the presentation time in
    nanoseconds on the camera's own media clock, None where the source gives none; `arrival_ns` is
    the local wall clock in nanoseconds since the epoch when the frame came out of the decoder,
    which took `decode_s` seconds over its packet.
    """

    picture: VideoFrame | None
    pts_ns: int | None
    arrival_ns: int
    is_corrupt: bool
    decode_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SenderReport:
    """What RTCP says of one packet: it was captured at `wall_ns`, since the epoch, at `pts_ns`."""

    wall_ns: int
    pts_ns: int


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One frame ready to be published; the fields are those of `contracts.frames.FrameHeaders`.

    `trace` is told what becomes of it.
    """

    jpeg: bytes
    session: str
    seq: int
    captured_ns: int
    clock: Clock
    size_wh: tuple[int, int]
    trace: FrameTrace = UNTRACED
