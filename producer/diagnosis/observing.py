"""Turns what packets bring into sightings, with the producer's clock and eye for stillness."""

import math

from producer.camera import Received
from producer.capture_clock import CaptureClock
from producer.diagnosis.measurements import SeenFrame, SeenPacket, Sightings
from producer.frames import DecodedFrame
from producer.jpeg import luma_plane
from producer.stillness import Stillness, StillnessWatch


class Observer:
    """Takes what one connection delivers, in order; `begun_s` is when it came about (monotonic).

    A camera's clock is believed as far as `max_clock_skew_s` seconds from ours.
    """

    def __init__(self, begun_s: float, max_clock_skew_s: float) -> None:
        self.seen = Sightings(begun_s, begun_s)
        self._clock = CaptureClock(int(max_clock_skew_s * 1e9))
        # Each single repetition is told; how long makes a frozen camera is measured later.
        self._stillness = StillnessWatch(frozen_after_s=0, heartbeat_s=math.inf)

    def take(self, received: Received, now_s: float) -> None:
        """Note a packet and what came of it at `now_s`."""
        arrival_s = now_s - received.decode_s
        self.seen.ended_s = now_s
        self.seen.decode_s += received.decode_s
        packet = received.packet
        # An empty one, at the end of a stream, only makes the decoder give out its last frames.
        if packet is not None and packet.size_bytes > 0:
            media_s = _seconds(packet.pts_ns)
            self.seen.packets.append(
                SeenPacket(
                    arrival_s, packet.size_bytes, packet.is_keyframe, media_s, received.is_skipped
                )
            )
        if received.report is not None:
            self._clock.learn(received.report)
        for frame in received.frames:
            self._note(frame, arrival_s)

    def _note(self, frame: DecodedFrame, arrival_s: float) -> None:
        is_repeat = self._is_repeat(frame, arrival_s)
        self.seen.frames.append(
            SeenFrame(arrival_s, _seconds(frame.pts_ns), frame.is_corrupt, is_repeat)
        )
        self._clock.stamp(frame.pts_ns, frame.arrival_ns)
        skew_ns = self._clock.skew_ns
        if skew_ns is not None:
            # The promptest frame has the least delay in it.
            known_ns = self.seen.skew_ns
            self.seen.skew_ns = skew_ns if known_ns is None else max(known_ns, skew_ns)
            self.seen.clock = "rtcp" if self._clock.unbelieved_skew_ns is None else "arrival"

    def _is_repeat(self, frame: DecodedFrame, arrival_s: float) -> bool:
        if frame.picture is None or frame.is_corrupt:
            return False
        stillness = self._stillness.look(luma_plane(frame.picture), arrival_s)
        return stillness not in (Stillness.MOVING, Stillness.THAWED)


def _seconds(time_ns: int | None) -> float | None:
    return None if time_ns is None else time_ns / 1e9
