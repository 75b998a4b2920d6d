"""A wait that ends: for commands, which a service's endless patience would hang."""

import time
from collections.abc import Callable


class Deadline:
    """Runs out `limit_s` seconds after it was made or last renewed."""

    def __init__(self, limit_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self.limit_s = limit_s
        self._now_s = now_s
        self._ends_s = now_s() + limit_s

    def renew(self) -> None:
        """Begin anew: what was waited for has moved."""
        self._ends_s = self._now_s() + self.limit_s

    @property
    def is_over(self) -> bool:
        """Whether the time has passed."""
        return self._now_s() >= self._ends_s
