"""A thread that asks one outside system again and again, for ever, and says what is wrong."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import copy_context

from runtime.backoff import growing_waits
from runtime.errors import FramerailError
from runtime.health import Heartbeat
from runtime.logs import Logger, redacted
from runtime.stop import StopSignal
from runtime.storms import StormFold

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 5.0
"""People watch the page while they repair: it must not lag long behind the repair."""


class AskingLoop:
    """Calls `turn` until the stop signal.

    `turn` returns the seconds to wait until the next one. If it raises a FramerailError, that is
    reported as a problem, and taken back once a turn succeeds; a defect is logged too.
    """

    def __init__(
        self,
        name: str,
        turn: Callable[[], float],
        report: Callable[[str | None], None],
        stop: StopSignal,
        heartbeat: Heartbeat,
        log: Logger,
    ) -> None:
        self._turn = turn
        self._report = report
        self._stop = stop
        self._log = log.bind(loop=name)
        self._heartbeat = heartbeat
        self._storms = StormFold(time.monotonic)
        # A daemon: a request that hangs must not hold up the end of the process.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name=name, daemon=True
        )

    def start(self) -> None:
        """Begin to ask; from now on the heartbeat needs this thread."""
        self._thread.start()
        self._heartbeat.require(lambda: self._stop.is_set or self._thread.is_alive())

    def _run(self) -> None:
        waits = self._new_waits()
        while not self._stop.is_set:
            self._heartbeat.beat()
            problem, wait_s = self._ask()
            self._heartbeat.beat()
            self._report(problem)
            if problem is None:
                waits = self._new_waits()
            else:
                wait_s = next(waits)
            self._stop.wait(wait_s)
        self._heartbeat.rest()

    def _ask(self) -> tuple[str | None, float]:
        try:
            return None, self._turn()
        except FramerailError as error:
            problem = redacted(str(error))
            unsaid = self._storms.admit(type(error).__name__)
            if unsaid is not None:
                self._log.warning("viewer.waiting", reason=problem, unsaid=unsaid)
            return problem, 0.0
        except Exception as error:  # noqa: BLE001 - the loop's outermost guard
            unsaid = self._storms.admit(type(error).__name__)
            if unsaid is not None:
                self._log.exception("viewer.defect", unsaid=unsaid)
            return f"a defect of the viewer, which its log tells of: {type(error).__name__}", 0.0

    @staticmethod
    def _new_waits() -> Iterator[float]:
        return growing_waits(FIRST_WAIT_S, LONGEST_WAIT_S, random.Random())  # noqa: S311 - jitter
