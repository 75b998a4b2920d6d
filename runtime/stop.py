"""The stop signal: every wait of a service ends when it is given."""

import signal
import threading
from types import FrameType


class StopSignal:
    """Set once, by SIGTERM, SIGINT or a fatal error in any thread; never cleared."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Take SIGTERM and SIGINT; call it from the main thread only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._received)

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        self._event.set()

    def set(self) -> None:
        """Ask every loop to end."""
        self._event.set()

    @property
    def is_set(self) -> bool:
        """Whether the service is to end."""
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds; return whether the service is to end."""
        return self._event.wait(timeout_s)
