"""The wish to stop: asked for by signals, heeded by work that takes minutes."""

import contextlib
import secrets
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

from local.errors import StartInterrupted
from local.part import Report

# Ctrl-C, an order, and a terminal that was closed.
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stoppable(Protocol):
    """Whatever can be asked to stop."""

    def set(self) -> None:
        """Ask."""


@contextlib.contextmanager
def caught_signals(stop: Stoppable) -> Iterator[None]:
    """Let the signals of STOPPING set `stop`, and do nothing else, while the context lasts.

    Must be entered in the main thread. The handlers of before come back at the end.
    """

    def request_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {which: signal.signal(which, request_stop) for which in STOPPING}
    try:
        yield
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


class StoppableReport:
    """A report on long work that raises StartInterrupted once `stop` is set.

    The processes which that work starts carry `run_id`, so that whoever ends a run finds them.
    """

    def __init__(self, report: Report, stop: threading.Event, run_id: str | None = None) -> None:
        self.run_id = secrets.token_hex(16) if run_id is None else run_id
        self._report = report
        self._stop = stop

    @classmethod
    def of(cls, report: Report) -> "StoppableReport":
        """Return `report` itself if it can be stopped, else one around it that nobody stops."""
        return report if isinstance(report, cls) else cls(report, threading.Event())

    def __call__(self, step: str, detail: str) -> None:
        """Report a step. Raises StartInterrupted as `check` does."""
        self.check()
        self._report(step, detail)

    def check(self) -> None:
        """Raise StartInterrupted if the stop was asked for; to be called every 0.1 s or so."""
        if self._stop.is_set():
            raise StartInterrupted("stopped while preparing")
