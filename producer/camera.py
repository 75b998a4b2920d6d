"""A camera behind an RTSP URL: opened, demuxed and decoded; FFmpeg's errors become our words."""

import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.stream import VideoStream

from contracts.frames import MAX_FRAME_PX
from producer.camera_faults import CameraFault, fault_of
from producer.camera_tls import certificate_trouble, tls_options
from producer.frames import DecodedFrame, SenderReport
from producer.live_edge import LiveEdge

Transport = Literal["tcp", "udp"]
"""The producer reads by TCP: no packet is lost, and firewalls let it pass."""

QUICK_PROBE = {"analyzeduration": "100000", "probesize": "100000"}
"""Microseconds and bytes: opens in 0.3 to 0.5 s and without the burst of old frames that the
default (5 s, 5 MB) collects; too short only where the SDP does not describe the video."""

_PRFT = struct.Struct("<q")
"""First field of AVProducerReferenceTime: microseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class PacketFacts:
    """A packet as it came; `pts_ns` is on the camera's media clock, None where it has no time."""

    size_bytes: int
    is_keyframe: bool
    pts_ns: int | None


@dataclass(frozen=True, slots=True)
class Received:
    """What one packet brought: frames in order of presentation, and a sender report if it had one.

    `decode_s` is the time in seconds that the decoder took. `is_skipped` says that the packet, a
    frame, was not decoded, because this machine is behind the camera.
    """

    frames: tuple[DecodedFrame, ...]
    report: SenderReport | None
    decode_s: float
    is_skipped: bool = False
    packet: PacketFacts | None = None


class Camera:
    """One connection to a camera; used by one thread, and closed by it."""

    def __init__(
        self,
        url: str,
        connect_timeout_s: float,
        stall_timeout_s: float,
        transport: Transport = "tcp",
        ca_file: Path | None = None,
    ) -> None:
        """Connect; raise CameraFault, which says why in words without the URL's password."""
        self._url = url
        self._ca_file = ca_file
        self._timeouts_s = (connect_timeout_s, stall_timeout_s)
        # Video only: sound would be thrown away.
        self._options = {"rtsp_transport": transport, "allowed_media_types": "video"}
        self._options |= tls_options(url, ca_file)
        self._container, self._stream = self._open()
        # One thread a camera: frame threads add latency, and a core each is left to the cameras.
        self._stream.codec_context.thread_type = "NONE"
        # A stream may say that it is of any size, and anew with every key frame.
        self._stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PX)}

    @property
    def codec(self) -> str:
        """Name of the codec, such as `h264`."""
        return self._stream.codec_context.name

    @property
    def stream(self) -> VideoStream:
        """The stream as PyAV describes it, until `close`."""
        return self._stream

    def close(self) -> None:
        """Hang up."""
        self._container.close()

    def packets(self) -> Iterator[Received]:
        """Yield what each packet brings, from the first key frame on, until the camera hangs up.

        While packets come late for long, none is decoded; from then on to the next key frame.
        Raises CameraFault on a stall or a broken connection.
        """
        edge = LiveEdge(time.monotonic_ns)
        has_key = has_begun = False
        try:
            for packet in self._container.demux(self._stream):
                is_behind = edge.is_behind(_ns(packet.dts, packet.time_base))
                has_key = (has_key or packet.is_keyframe) and not is_behind
                has_begun = has_begun or has_key
                if has_key:
                    yield _decoded(packet)
                elif has_begun and packet.size:
                    yield Received((), _report(packet), 0.0, True, _facts(packet))
                else:
                    # Nothing can be decoded yet, but the loop has turned.
                    yield Received((), None, 0.0, packet=_facts(packet))
        except FFmpegError as error:
            raise fault_of(error, self._url, is_open=True) from None

    def _open(self) -> tuple[InputContainer, VideoStream]:
        container, stream = self._open_with(self._options | QUICK_PROBE)
        if stream is not None and stream.codec_context.width > 0:
            return container, stream
        container.close()
        container, stream = self._open_with(self._options)
        if stream is None:
            container.close()
            reason = "the stream holds no video that can be decoded"
            raise CameraFault(reason, needs_a_person=True, kind="no-video")
        return container, stream

    def _open_with(self, options: dict[str, str]) -> tuple[InputContainer, VideoStream | None]:
        try:
            container = av.open(self._url, "r", options=options, timeout=self._timeouts_s)
        except FFmpegError as error:
            trouble = certificate_trouble(self._url, self._ca_file, self._timeouts_s[0])
            if trouble is not None:
                raise CameraFault(trouble, needs_a_person=True, kind="untrusted") from None
            # The context of an error would be logged with it, and holds the URL with its password.
            raise fault_of(error, self._url, is_open=False) from None
        decodable = [stream for stream in container.streams.video if _is_decodable(stream)]
        return container, next(iter(decodable), None)


def _is_decodable(stream: VideoStream) -> bool:
    # PyAV leaves None where FFmpeg has no decoder, whatever its type hints say.
    return getattr(stream, "codec_context", None) is not None


def _decoded(packet: "Packet[VideoStream]") -> Received:
    started_s = time.perf_counter()
    try:
        pictures = packet.decode()
    except FFmpegError:
        refused = DecodedFrame(None, None, time.time_ns(), is_corrupt=True)
        decode_s = time.perf_counter() - started_s
        return Received((refused,), None, decode_s, packet=_facts(packet))
    decode_s = time.perf_counter() - started_s
    arrival_ns = time.time_ns()
    frames = tuple(
        DecodedFrame(
            picture,
            _ns(picture.pts, picture.time_base),
            arrival_ns,
            is_corrupt=picture.is_corrupt or packet.is_corrupt,
            decode_s=decode_s,
        )
        for picture in pictures
    )
    return Received(frames, _report(packet), decode_s, packet=_facts(packet))


def _facts(packet: "Packet[VideoStream]") -> PacketFacts:
    return PacketFacts(packet.size, packet.is_keyframe, _ns(packet.pts, packet.time_base))


def _report(packet: "Packet[VideoStream]") -> SenderReport | None:
    pts_ns = _ns(packet.pts, packet.time_base)
    if pts_ns is None or not packet.has_sidedata("prft"):
        return None
    with suppress(struct.error):
        (wall_us,) = _PRFT.unpack_from(bytes(packet.get_sidedata("prft")))
        return SenderReport(wall_us * 1000, pts_ns)
    return None


def _ns(pts: int | None, time_base: Fraction | None) -> int | None:
    if pts is None or time_base is None:
        return None
    return pts * time_base.numerator * 1_000_000_000 // time_base.denominator
