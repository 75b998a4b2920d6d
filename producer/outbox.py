"""Hands the frames of one stream from its reader to its publisher, bounded on both sides.

A frame waits here as JPEG, not as a picture: while Kafka is away, 100 waiting frames are 9 MB
instead of 66 (768x576), and the decoder's pictures go straight back to its pool. What backlog drops
has then been encoded in vain, but that is rare and costs 1 to 2 CPU-ms a frame; paced, frozen and
corrupt frames, the many, are dropped before they are encoded.
"""

import threading
import time

from contracts.frames import DropReason
from producer.frame_queue import FrameQueue, Waiting
from producer.frames import EncodedFrame
from producer.metrics import StreamMetrics

Entry = Waiting[EncodedFrame]


class Outbox:
    """The frame queue of one stream, for several threads, and the count of those in flight.

    kafka-python 3 bounds no memory of its own, so at most `max_in_flight` frames are handed out and
    not yet settled.
    """

    def __init__(self, capacity: int, max_in_flight: int, metrics: StreamMetrics) -> None:
        self._queue: FrameQueue[EncodedFrame] = FrameQueue(capacity)
        self._max_in_flight = max_in_flight
        self._in_flight = 0
        self._is_closed = False
        self._changed = threading.Condition()
        self._metrics = metrics

    def captured(self) -> None:
        """Count one frame that the camera delivered; it must be put or dropped next."""
        self._metrics.captured.inc()

    def drop(self, reason: DropReason) -> None:
        """Account for a captured frame that will not be published."""
        with self._changed:
            self._queue.drop(reason)
        self._metrics.dropped[reason].inc()

    def put(self, frame: EncodedFrame) -> None:
        """Let a frame wait; the oldest one goes if there is no room."""
        with self._changed:
            evicted = self._queue.put(frame)
            self._metrics.buffered.set(len(self._queue))
            self._changed.notify_all()
        self._metrics.chosen(frame.captured_ns)
        for gone in evicted:
            gone.trace.dropped("backlog")
        self._metrics.dropped["backlog"].inc(len(evicted))

    def take(self, timeout_s: float) -> Entry | None:
        """Return the oldest frame, now in flight; None if none may go within `timeout_s`."""
        with self._changed:
            self._changed.wait_for(self._may_go, timeout_s)
            if not self._may_go():
                return None
            entry = self._queue.take()
            self._in_flight += 1
            self._metrics.in_flight.set(self._in_flight)
            self._metrics.buffered.set(len(self._queue))
            return entry

    def acknowledge(self, entry: Entry, publish_s: float) -> None:
        """Settle a frame in flight that Kafka has stored, `publish_s` seconds after it was sent."""
        self._settle()
        frame = entry.frame
        self._metrics.acknowledged(frame.captured_ns, len(frame.jpeg), publish_s)

    def refuse(self, entry: Entry) -> None:
        """Settle a frame in flight that Kafka will never store; its drops go to the next frame."""
        entry.frame.trace.dropped("undelivered")
        with self._changed:
            self._queue.return_drops(entry, "undelivered")
        self._metrics.dropped["undelivered"].inc()
        self._settle()

    def close(self) -> None:
        """Say that no more frames come; what waits can still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    @property
    def is_drained(self) -> bool:
        """Whether no frame waits and none will come."""
        with self._changed:
            return self._is_closed and not len(self._queue)

    @property
    def unsettled(self) -> int:
        """Frames that wait or are in flight."""
        with self._changed:
            return len(self._queue) + self._in_flight

    def wait_until_settled(self, deadline_s: float) -> bool:
        """Wait until no frame waits or is in flight; return whether that came by `deadline_s`.

        `deadline_s` is by the monotonic clock.
        """
        with self._changed:
            timeout_s = max(0.0, deadline_s - time.monotonic())
            return self._changed.wait_for(
                lambda: not len(self._queue) and not self._in_flight, timeout_s
            )

    def _may_go(self) -> bool:
        return len(self._queue) > 0 and self._in_flight < self._max_in_flight

    def _settle(self) -> None:
        with self._changed:
            self._in_flight -= 1
            self._metrics.in_flight.set(self._in_flight)
            self._changed.notify_all()
