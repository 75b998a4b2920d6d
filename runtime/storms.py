"""Folds a storm of equal events into one line with a count."""

from collections.abc import Callable, Hashable


class StormFold:
    """Tells whether an event is worth a line, and how many equal ones went unsaid since the last.

    An event is said when it is new or when `window_s` seconds have passed since it was said.
    """

    def __init__(self, now_s: Callable[[], float], window_s: float = 30.0) -> None:
        self._now_s = now_s
        self._window_s = window_s
        self._said_s: dict[Hashable, float] = {}
        self._unsaid: dict[Hashable, int] = {}

    def admit(self, event: Hashable) -> int | None:
        """Return the number of equal events unsaid until now, or None to stay silent."""
        now_s = self._now_s()
        said_s = self._said_s.get(event)
        if said_s is not None and now_s - said_s < self._window_s:
            self._unsaid[event] = self._unsaid.get(event, 0) + 1
            return None
        self._said_s[event] = now_s
        return self._unsaid.pop(event, 0)
