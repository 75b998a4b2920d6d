"""The frames of a window, as the consumer's loop asks for them: a log that ends, and no group."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Protocol

from consumer.frame import FetchedFrame, FrameSource
from consumer.kafka_source import fetched_frame
from consumer.replaying.window import Window
from runtime.deadline import Deadline
from runtime.errors import DependencyError
from runtime.stop import StopSignal


class Log(Protocol):
    """Reads one topic from an offset on."""

    def go_to(self, topic: str, offset: int) -> None:
        """Read from this offset on."""

    def poll(self, timeout_s: float) -> list[Any]:
        """Return the next records, none after `timeout_s` seconds."""

    def position(self) -> int:
        """Return the offset that is read next."""

    def pause(self) -> None:
        """Fetch nothing more until `resume`."""

    def resume(self) -> None:
        """Fetch again."""


class WindowFrames:
    """Ends the loop, by the stop signal, once every frame of the window is safe in its result.

    A commit only notes how far the replay has come, and tells `on_done` how many frames that is.
    Raises DependencyError from `poll` if Kafka sends nothing until `waited` is over.
    """

    def __init__(
        self,
        log: Log,
        window: Window,
        stop: StopSignal,
        waited: Deadline,
        on_done: Callable[[int], None],
    ) -> None:
        self._log = log
        self._window = window
        self._stop = stop
        self._waited = waited
        self._on_done = on_done
        self._returned_until = self._done_until = window.first_offset
        self._is_read = False
        self._is_paused = False

    @property
    def done(self) -> int:
        """How many frames of the window are safe."""
        return self._done_until - self._window.first_offset

    @property
    def is_complete(self) -> bool:
        """Whether all is read, and of what was read every frame is safe."""
        return self._is_read and self._done_until >= self._returned_until

    def subscribe(self) -> None:
        """Begin at the window's first frame."""
        self._log.go_to(self._window.topic, self._window.first_offset)

    def take_revoked(self) -> Iterable[FrameSource]:
        """Return nothing: without a group nobody takes a partition away."""
        return ()

    def poll(self, timeout_s: float) -> list[FetchedFrame]:
        """Return the next frames of the window, in order of offset."""
        if self._is_read:
            self._stop.wait(timeout_s)
            return []
        records = self._log.poll(timeout_s)
        reached = records[-1].offset + 1 if records else self._log.position()
        self._is_read = reached >= self._window.end_offset
        self._check_wait(bool(records))
        frames = [fetched_frame(r) for r in records if r.offset < self._window.end_offset]
        if frames:
            self._returned_until = frames[-1].offset + 1
        self._end_if_complete()
        return frames

    def committed(self, source: FrameSource) -> int | None:
        """Return where the window begins, so that what expired at its beginning is noticed."""
        return self._window.first_offset

    def caught_up(self, sources: Collection[FrameSource]) -> set[FrameSource]:
        """Return the window's own partition once all of it was returned."""
        return set(sources) if self._is_read else set()

    def pause(self) -> None:
        """Fetch nothing more until `resume`."""
        self._is_paused = True
        self._log.pause()

    def resume(self) -> None:
        """Fetch again."""
        self._is_paused = False
        self._waited.renew()
        self._log.resume()

    def commit(self, next_offsets: Mapping[FrameSource, int], timeout_s: float) -> None:
        """Note that the frames before these offsets are safe."""
        self._done_until = max([self._done_until, *next_offsets.values()])
        self._on_done(self.done)
        self._end_if_complete()

    def _check_wait(self, has_moved: bool) -> None:
        if has_moved or self._is_paused or self._is_read:
            self._waited.renew()
        elif self._waited.is_over:
            raise DependencyError(
                f"Kafka sent nothing more of {self._window.topic} for {self._waited.limit_s:g} s"
            )

    def _end_if_complete(self) -> None:
        if self.is_complete:
            self._stop.set()
