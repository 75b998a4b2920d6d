"""`python -m bench.feed`: cameras for a measurement, at a fixed rate or as fast as they are taken.

A packet is stamped with the time at which it is sent, as a camera does, so a clip may be sent at
any rate. At full speed the feed stays at most AHEAD frames before what has come into Kafka:
MediaMTX drops what a slow reader leaves in its queue of 512 packets, and a frame of the clip takes
4 to 52.
"""

import argparse
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream
from kafka import KafkaConsumer, TopicPartition

AHEAD = 48
LOOK_EVERY_S = 0.05
JOINING_FPS = 25.0
JOINED_WITHIN_S = 30.0
SETTLED_S = 0.3
CLOCK_HZ = 90_000
"""Of RTP's video clock."""


class Feed:
    """One camera: a clip, sent over and over to one RTSP URL."""

    def __init__(self, video: Path, url: str) -> None:
        self.sent = 0
        self._source = av.open(str(video))
        self._camera = av.open(url, "w", format="rtsp", options={"rtsp_transport": "tcp"})
        self._carried = self._camera.add_stream_from_template(self._source.streams.video[0])
        self._packets = self._endless()
        self._last_ticks = -1
        self._begun_s = time.monotonic()

    def send(self) -> None:
        """Send the next frame, as captured now."""
        packet = next(self._packets)
        ticks = int((time.monotonic() - self._begun_s) * CLOCK_HZ)
        self._last_ticks = max(self._last_ticks + 1, ticks)
        packet.time_base = Fraction(1, CLOCK_HZ)
        packet.pts = packet.dts = self._last_ticks
        packet.stream = self._carried
        self._camera.mux(packet)
        self.sent += 1

    def _endless(self) -> "Iterator[Packet[VideoStream]]":
        while True:
            self._source.seek(0)
            yield from (packet for packet in self._source.demux(video=0) if packet.size)


class Published:
    """How many frames a topic holds."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = KafkaConsumer(bootstrap_servers=bootstrap)
        self._partition = TopicPartition(topic, 0)

    def __call__(self) -> int:
        """Ask the broker."""
        ends: dict[TopicPartition, int] = self._consumer.end_offsets([self._partition])
        return ends[self._partition]


def at_rate(feeds: list[Feed], fps: float, seconds: float) -> None:
    """Send so many frames a second to every camera, evenly apart."""
    begun_s = time.monotonic()
    for turn in range(round(fps * seconds) * len(feeds)):
        due_s = begun_s + turn / (fps * len(feeds))
        time.sleep(max(0.0, due_s - time.monotonic()))
        feeds[turn % len(feeds)].send()


def at_full_speed(feed: Feed, frames: int, published: Published) -> None:
    """Send until at least so many frames have come into Kafka, a few more at most."""
    unseen = _join(feed, published)
    while (ahead := feed.sent - unseen) < frames:
        for _ in range(min(published() + AHEAD, frames) - ahead):
            feed.send()
        time.sleep(LOOK_EVERY_S)
    # The newest packet waits in FFmpeg's RTP parser for the next one.
    while published() < frames:
        feed.send()
        time.sleep(1 / JOINING_FPS)


def _join(feed: Feed, published: Published) -> int:
    """Send slowly until somebody reads; return how many frames nobody saw."""
    deadline_s = time.monotonic() + JOINED_WITHIN_S
    while not published():
        if time.monotonic() > deadline_s:
            raise TimeoutError("nobody reads the camera")
        feed.send()
        time.sleep(1 / JOINING_FPS)
    time.sleep(SETTLED_S)
    return feed.sent - published()


def main() -> None:
    """Feed one camera at full speed, or several at a rate, and wait to be ended."""
    parser = argparse.ArgumentParser(prog="python -m bench.feed", description=__doc__)
    parser.add_argument("--video", type=Path, required=True)
    parser.add_argument("--url", action="append", required=True, help="a camera each")
    parser.add_argument("--fps", type=float, help="of each camera; at full speed without it")
    parser.add_argument("--seconds", type=float, default=30.0, help="with --fps")
    parser.add_argument("--frames", type=int, default=500, help="at full speed")
    parser.add_argument("--bootstrap", help="the broker, at full speed")
    parser.add_argument("--topic", help="where the frames arrive, at full speed")
    chosen = parser.parse_args()
    feeds = [Feed(chosen.video, url) for url in chosen.url]
    if chosen.fps is not None:
        at_rate(feeds, chosen.fps, chosen.seconds)
    else:
        at_full_speed(feeds[0], chosen.frames, Published(chosen.bootstrap, chosen.topic))
    # A camera that hangs up ends its session, while its last frames are still on their way.
    threading.Event().wait()


if __name__ == "__main__":
    main()
