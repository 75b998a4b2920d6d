"""Thins a stream to at most so many frames a second, evenly and without drift."""

_EARLY = 0.25
"""A frame may come this part of an interval early: a camera of exactly `max_fps` jitters, and
without it would lose a frame now and then."""


class Pacer:
    """Admits frames on a grid of due times; time is the media's own, in nanoseconds.

    A grid, not a least distance: 25 frames/s thinned by "100 ms since the last" would give 8.3 a
    second instead of 10. Over any span of T seconds at most T * max_fps + 2 frames are admitted.
    """

    def __init__(self, max_fps: float | None) -> None:
        self.max_fps = max_fps
        self._due_ns: float | None = None

    def admits(self, media_ns: int) -> bool:
        """Whether the frame at `media_ns` is kept; a clock that jumped starts a new grid."""
        max_fps = self.max_fps  # another thread may set it
        if max_fps is None:
            return True
        interval_ns = 1e9 / max_fps
        if self._due_ns is None or self._due_ns - media_ns > 2 * interval_ns:
            self._due_ns = media_ns + interval_ns  # the first frame, or time went back
            return True
        if media_ns < self._due_ns - _EARLY * interval_ns:
            return False
        is_late = media_ns - self._due_ns >= interval_ns
        self._due_ns = (media_ns if is_late else self._due_ns) + interval_ns
        return True
