"""Connects to one camera as the producer does, watches it, and asks why where nothing comes."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
from av.error import FFmpegError
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from producer.camera import QUICK_PROBE, Camera, Received, Transport
from producer.camera_faults import CameraFault, stream_ended
from producer.camera_tls import tls_options
from producer.diagnosis.knock import knock
from producer.diagnosis.measurements import Sightings
from producer.diagnosis.observing import Observer
from producer.diagnosis.report import ColourRange, Video


@dataclass(frozen=True, slots=True)
class Watch:
    """How a camera is watched; all but `seconds` and `transport` as the producer has them."""

    seconds: float = 10.0
    transport: Transport = "tcp"
    connect_timeout_s: float = 5.0
    stall_timeout_s: float = 4.0
    max_clock_skew_s: float = 10.0
    frozen_after_s: float = 10.0
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen, and the fault that ended it before its time, if one did."""

    video: Video
    seen: Sightings
    fault: CameraFault | None


class PacketSource(Protocol):
    """What is watched."""

    def packets(self) -> Iterator[Received]:
        """Yield what each packet brings; raise CameraFault when the connection breaks."""


def watch_camera(url: str, watch: Watch) -> Watched:
    """Connect and watch; raise CameraFault if no connection comes about, with its kind named."""
    try:
        camera = Camera(
            url, watch.connect_timeout_s, watch.stall_timeout_s, watch.transport, watch.ca_file
        )
    except CameraFault as fault:
        raise _named(fault, url, watch) from None
    with closing(camera):
        seen, lost = watched(camera, watch, time.monotonic)
        return Watched(described(camera.stream), seen, lost)


def watched(
    camera: PacketSource, watch: Watch, now_s: Callable[[], float]
) -> tuple[Sightings, CameraFault | None]:
    """Note what the camera delivers for `watch.seconds`; return why it ended earlier, if it did."""
    observer = Observer(now_s(), watch.max_clock_skew_s)
    try:
        for received in camera.packets():
            observer.take(received, now_s())
            if observer.seen.watched_s >= watch.seconds:
                return observer.seen, None
    except CameraFault as fault:
        return observer.seen, fault
    return observer.seen, stream_ended()


def described(stream: VideoStream) -> Video:
    """Return what the stream says of itself."""
    codec = stream.codec_context
    return Video(
        codec=codec.name,
        profile=codec.profile,
        pixel_format=codec.pix_fmt,
        colour_range=_colour_range(codec.color_range, codec.pix_fmt),
        size_wh=(codec.width, codec.height),
        declared_fps=float(codec.framerate) if codec.framerate else None,
    )


def _colour_range(color_range: int, pixel_format: str | None) -> ColourRange:
    if color_range == ColorRange.JPEG or (pixel_format or "").startswith("yuvj"):
        return "full"
    return "limited" if color_range == ColorRange.MPEG else "unspecified"


def _named(fault: CameraFault, url: str, watch: Watch) -> CameraFault:
    """Return the fault as exactly as another look can name it."""
    if fault.kind == "unanswered":
        return knock(url, watch.connect_timeout_s) or _silent(watch)
    if fault.kind in ("no-video", "server-error"):
        return _without_video(url, watch) or fault
    if fault.kind == "no-transport":
        reason = f"the camera offers no {watch.transport.upper()} (461 Unsupported Transport)"
        return CameraFault(reason, kind="no-udp" if watch.transport == "udp" else "no-transport")
    return fault


def _silent(watch: Watch) -> CameraFault:
    if watch.transport == "udp":
        return CameraFault("the camera answers, but its video does not come by UDP", kind="no-udp")
    within = f"within {watch.connect_timeout_s:g} s"
    return CameraFault(f"the camera answers, but hands over no video {within}", kind="unanswered")


def _without_video(url: str, watch: Watch) -> CameraFault | None:
    """Return what the stream holds instead of video that can be decoded; None if it is not known.

    Some servers refuse a reader who, as the producer does, asks for none of the sound they have.
    """
    options = QUICK_PROBE | {"rtsp_transport": watch.transport} | tls_options(url, watch.ca_file)
    timeouts_s = (watch.connect_timeout_s, watch.stall_timeout_s)
    try:
        with av.open(url, "r", options=options, timeout=timeouts_s) as container:
            kinds = {stream.type for stream in container.streams}
    except FFmpegError:
        return None
    if "video" in kinds:
        reason = "the stream holds video, of a codec that cannot be decoded here"
        return CameraFault(reason, kind="unsupported-codec")
    if "audio" in kinds:
        return CameraFault("the stream holds sound and no video", kind="audio-only")
    return None
