"""A video file sent to an RTSP server as a live camera would: in real time, not encoded anew."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream

from local.timeline import Timeline

# What RTSP can carry of the sounds that cameras and test files have; other sound is left out.
SOUND = frozenset({"aac", "opus", "mp3", "pcm_mulaw", "pcm_alaw", "ac3", "g722"})
# Later than this, the timeline is let go rather than caught up with in a burst.
LATEST_S = 1.0


class NoVideo(Exception):
    """The file cannot be opened, or holds no video."""


class ServerLost(Exception):
    """The RTSP server cannot be reached, refused us, or went away. The message names no URL."""


class Publisher:
    """Sends one file to one URL. `sent` counts packets, so that a watcher sees it stand still."""

    def __init__(self, video: Path, url: str, *, in_real_time: bool = True) -> None:
        self.sent = 0
        self._video = video
        self._url = url
        self._in_real_time = in_real_time
        self._moved_at_s = time.monotonic()

    def idle_s(self) -> float:
        """Return how long ago it last tried to connect or sent a packet."""
        return time.monotonic() - self._moved_at_s

    def publish(self, stop: threading.Event, *, passes: int | None) -> None:
        """Connect and send the file `passes` times, or until `stop` where that is None.

        Raises ServerLost, also for a server that is not there yet, and NoVideo.
        """
        self._moved_at_s = time.monotonic()
        timeline = Timeline()
        with _opened(self._video) as source, _connected(self._url) as camera:
            carried = _carry_over(source, camera)
            begun_s = time.monotonic()
            done = 0
            while not stop.is_set() and (passes is None or done < passes):
                for packet in _packets(source, carried, timeline):
                    begun_s += self._wait_for(packet, begun_s, stop)
                    if stop.is_set():
                        break
                    camera.mux(packet)
                    self.sent += 1
                    self._moved_at_s = time.monotonic()
                done += 1
                timeline.begin_next_pass()

    def _wait_for(self, packet: Packet[Stream], begun_s: float, stop: threading.Event) -> float:
        """Wait until the packet is due; return by how much the timeline has to be let go."""
        if not self._in_real_time or packet.dts is None or packet.time_base is None:
            return 0.0
        early_s = begun_s + float(packet.dts * packet.time_base) - time.monotonic()
        if early_s > 0:
            stop.wait(early_s)
        return -early_s if early_s < -LATEST_S else 0.0


def _opened(video: Path) -> InputContainer:
    try:
        return av.open(str(video), "r")
    except FFmpegError as error:
        raise NoVideo(f"{video} cannot be read as video: {error.strerror}") from error


@contextmanager
def _connected(url: str) -> Iterator[OutputContainer]:
    """Open an RTSP session to publish in; what FFmpeg has to say becomes ServerLost.

    Its own words hold the URL with the password, and closing a lost session fails once more.
    """
    try:
        with av.open(url, "w", format="rtsp", options={"rtsp_transport": "tcp"}) as camera:
            yield camera
    except FFmpegError as error:
        raise ServerLost(str(error.strerror)) from None


def _carry_over(source: InputContainer, camera: OutputContainer) -> dict[int, Stream]:
    """Return the streams of `camera` by the index of the stream of `source` they carry."""
    wanted = [stream for stream in source.streams.video[:1]]
    if not wanted:
        raise NoVideo(f"{source.name} holds no video")
    sound = [s for s in source.streams.audio if s.codec_context.name in SOUND]
    return {
        stream.index: camera.add_stream_from_template(stream) for stream in (*wanted, *sound[:1])
    }


def _packets(
    source: InputContainer, carried: dict[int, Stream], timeline: Timeline
) -> Iterator[Packet[Stream]]:
    """Yield the packets of one pass, from the beginning, with their times and streams moved."""
    source.seek(0)
    for packet in source.demux([source.streams[index] for index in carried]):
        if packet.dts is None or packet.pts is None or packet.time_base is None:
            continue  # the empty packet at the end of each stream
        index = packet.stream.index
        time_base = Fraction(packet.time_base)
        packet.pts, packet.dts = timeline.place(
            index, time_base, packet.pts, packet.dts, packet.duration or 0
        )
        packet.stream = carried[index]
        yield packet
