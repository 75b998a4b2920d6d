"""The stop signal: every wait of a service ends when it is given."""

import signal
import threading
import time
from types import FrameType


class StopSignal:
    """Set by SIGTERM or SIGINT, once they are listened for, or by `set`; never cleared."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._asked_s = 0.0

    def listen(self) -> None:
        """Take SIGTERM and SIGINT; call it from the main thread only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._received)

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        self.set()

    def set(self) -> None:
        """Ask every loop to end."""
        if not self._event.is_set():
            self._asked_s = time.monotonic()
            self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether the service is to end."""
        return self._event.is_set()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the signal was given; 0 before it."""
        return time.monotonic() - self._asked_s if self.is_set else 0.0

    def wait(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds; return whether the service is to end."""
        return self._event.wait(timeout_s)
