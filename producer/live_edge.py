"""Notices that frames are read later and later: this machine is slower than the camera."""

from collections.abc import Callable

LATE_NS = 1_000_000_000
"""How much later than the promptest one a packet may come. One-way jitter is far below it."""
LASTING_NS = 2_000_000_000
"""A network that stalled delivers what it held back at once: that burst is over sooner."""
_DRIFT = 0.0005
"""A camera's media clock may run so much slower than ours: ten times what cheap quartz does."""


class LiveEdge:
    """Judges the packets of one connection; times in nanoseconds, `now_ns` by a monotonic clock.

    The promptest packet sets what is on time. That level may rise by _DRIFT only, so that an
    overload of hours is not taken for the way things are.
    """

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._prompt_ns: float | None = None
        self._last_ns = 0
        self._late_since_ns: int | None = None

    def is_behind(self, media_ns: int | None) -> bool:
        """Whether packets have come late for longer than a burst lasts; this one carries a time."""
        if media_ns is None:
            return False
        now_ns = self._now_ns()
        late_ns = self._late_ns(now_ns, now_ns - media_ns)
        if late_ns < LATE_NS:
            self._late_since_ns = None
            return False
        if self._late_since_ns is None:
            self._late_since_ns = now_ns
        return now_ns - self._late_since_ns >= LASTING_NS

    def _late_ns(self, now_ns: int, delay_ns: int) -> float:
        """Return how much later than the promptest; a media clock that jumped starts anew."""
        prompt_ns = self._prompt_ns
        if prompt_ns is not None:
            prompt_ns = min(prompt_ns + _DRIFT * (now_ns - self._last_ns), delay_ns)
        if prompt_ns is None or delay_ns - prompt_ns > _JUMP_NS:
            prompt_ns = delay_ns
        self._prompt_ns, self._last_ns = prompt_ns, now_ns
        return delay_ns - prompt_ns


_JUMP_NS = 60_000_000_000
"""No buffer on the way holds a minute: a camera whose media time went back has been set anew."""
