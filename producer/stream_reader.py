"""Keeps one camera connected, for ever: the only place that reconnects."""

import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from producer.camera import Received
from producer.camera_faults import CameraFault, stream_ended
from producer.metrics import StreamMetrics
from producer.stream_session import StreamSession
from runtime.backoff import growing_waits
from runtime.logs import Logger
from runtime.stop import StopSignal
from runtime.storms import StormFold

_BEAT_S = 1.0
"""Seconds between the beats of a thread that waits."""


class ConnectedCamera(Protocol):
    """What the reader needs of a camera."""

    @property
    def codec(self) -> str:
        """Name of the codec."""

    def packets(self) -> Iterator[Received]:
        """Yield what each packet brings; raise CameraFault when the connection breaks."""

    def close(self) -> None:
        """Hang up."""


@dataclass(frozen=True, slots=True)
class Reconnection:
    """How long to wait between attempts: growing waits from first to longest, in seconds.

    They start anew after a connection that delivered frames for `settled_after_s` seconds.
    """

    first_s: float
    longest_s: float
    settled_after_s: float


class StreamReader:
    """Reads one camera in a thread of its own; whatever befalls it touches no other stream."""

    def __init__(
        self,
        connect: Callable[[], ConnectedCamera],
        new_session: Callable[[str], StreamSession],
        reconnection: Reconnection,
        stop: StopSignal,
        beat: Callable[[], None],
        metrics: StreamMetrics,
        log: Logger,
        now_s: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self._connect = connect
        self._new_session = new_session
        self._reconnection = reconnection
        self._stop = stop
        self._beat = beat
        self._metrics = metrics
        self._log = log
        self._now_s = now_s
        self._rng = rng
        self._storms = StormFold(now_s)
        self._delivering_since_s: float | None = None

    def run(self) -> None:
        """Connect, read and connect again until the stop signal."""
        waits = self._waits()
        while True:
            self._delivering_since_s = None
            fault = self._read_once()
            self._metrics.connected.set(0)
            if self._stop.is_set:
                return
            if self._has_settled:
                waits = self._waits()
            wait_s = next(waits)
            if fault.needs_a_person:
                wait_s = max(wait_s, self._reconnection.longest_s)
            self._tell_lost(fault, wait_s)
            self._pause(wait_s)
            self._metrics.reconnects.inc()

    @property
    def _has_settled(self) -> bool:
        since_s = self._delivering_since_s
        return since_s is not None and self._now_s() - since_s >= self._reconnection.settled_after_s

    def _waits(self) -> Iterator[float]:
        bounds = self._reconnection
        return growing_waits(bounds.first_s, bounds.longest_s, self._rng)

    def _read_once(self) -> CameraFault:
        """Read one connection to its end; return why it ended."""
        try:
            with closing(self._connect()) as camera:
                return self._read(camera)
        except CameraFault as fault:
            return fault
        except Exception as error:  # noqa: BLE001  # the loop's outermost guard
            # A defect met on one stream must not end the others; it is told in full.
            self._log.exception("stream.failed")
            return CameraFault(f"a defect in the producer: {type(error).__name__}")

    def _read(self, camera: ConnectedCamera) -> CameraFault:
        session_id = secrets.token_hex(8)
        session = self._new_session(session_id)
        self._log.info("stream.connected", session=session_id, codec=camera.codec)
        self._metrics.connected.set(1)
        for received in camera.packets():
            self._beat()
            if self._stop.is_set:
                break
            if received.report is not None:
                session.learn(received.report)
            if received.frames:
                if self._delivering_since_s is None:
                    self._delivering_since_s = self._now_s()
                self._metrics.decode_seconds.observe(received.decode_s)
            if received.is_skipped:
                session.skip()
            for frame in received.frames:
                session.accept(frame)
        return stream_ended()

    def _tell_lost(self, fault: CameraFault, wait_s: float) -> None:
        unsaid = self._storms.admit(str(fault))
        if unsaid is not None:
            self._log.warning("stream.lost", reason=str(fault), unsaid=unsaid)
            self._log.info("stream.reconnecting", wait_s=round(wait_s, 2))

    def _pause(self, wait_s: float) -> None:
        ends_s = self._now_s() + wait_s
        while (left_s := ends_s - self._now_s()) > 0:
            self._beat()
            if self._stop.wait(min(left_s, _BEAT_S)):
                return
