"""One part under supervision: starting, ready, dead, waiting for its next start."""

import time
from pathlib import Path

from local.errors import PartFailed
from local.part import Part, Report
from local.processes import Child
from local.state import PartState

LAST_LINES = 15


class SupervisedPart:
    """Holds at most one process of the part, and moves on at each `tick`."""

    def __init__(self, part: Part, log: Path, run_id: str, report: Report) -> None:
        self.part = part
        self.is_ready = False
        self._log = log
        self._run_id = run_id
        self._report = report
        self._child: Child | None = None
        self._was_ready = False
        self._deaths_in_a_row = 0
        self._restarts = 0
        self._started_at_s = 0.0
        self._next_start_at_s = 0.0
        self._kill_at_s: float | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether there is a process to watch or to end."""
        return self._child is not None

    def start(self) -> None:
        """Start the process. Raises PartFailed if the program cannot be run at all."""
        if self.part.before_start is not None:
            self.part.before_start()
        self._started_at_s = time.monotonic()
        try:
            with self._log.open("ab") as log:
                self._child = Child(self.part, self._run_id, log)
        except OSError as error:
            raise PartFailed(f"{self.part.name} cannot be started: {error}") from error
        self._report(self.part.name, "starting")

    def tick(self) -> None:
        """See what has become of the process, and act on it.

        Raises PartFailed for a part that dies or is late before it was ever ready, and for one that
        dies later and has no restart policy.
        """
        if self._child is None:
            if time.monotonic() >= self._next_start_at_s:
                self._restarts += 1
                self.start()
        elif self._child.has_died():
            exit_code = self._child.bury()
            self._bury_and_decide(f"ended by itself ({_ending(exit_code)})", exit_code)
        elif not self.is_ready:
            self._await_readiness(self._child)

    def ask_to_end(self) -> None:
        """Send the stop signal; the grace begins now."""
        if self._child is not None:
            self._child.signal(self.part.stop_signal)
            self._kill_at_s = time.monotonic() + self.part.grace_s

    def has_ended(self) -> bool:
        """Tell whether a part that was asked to end is gone, by force once its grace is over."""
        if self._child is None:
            return True
        grace_is_over = self._kill_at_s is not None and time.monotonic() >= self._kill_at_s
        if not (grace_is_over or self._child.has_died()):
            return False
        self._child.bury()
        self._child = None
        self.is_ready = False
        return True

    def state(self) -> PartState:
        """Return what is to be written down about this part."""
        return PartState(
            name=self.part.name,
            log=str(self._log),
            process=None if self._child is None else self._child.mark,
            is_ready=self.is_ready,
            restarts=self._restarts,
        )

    def last_lines(self) -> str:
        """Return the last lines of the log, indented; at most LAST_LINES."""
        text = self._log.read_text(encoding="utf-8", errors="replace") if self._log.exists() else ""
        return "\n".join(f"    {line}" for line in text.splitlines()[-LAST_LINES:]) or "    (empty)"

    def _await_readiness(self, child: Child) -> None:
        waited_s = time.monotonic() - self._started_at_s
        if _answers(self.part):
            self.is_ready = self._was_ready = True
            self._report(self.part.name, f"ready in {waited_s:.1f} s")
        elif waited_s > self.part.ready_within_s:
            child.bury()
            self._bury_and_decide(f"was not ready within {self.part.ready_within_s:.0f} s")

    def _bury_and_decide(self, ending: str, exit_code: int | None = None) -> None:
        lived_s = time.monotonic() - self._started_at_s
        self._child = None
        self.is_ready = False
        policy = self.part.restart
        if policy is None or not self._was_ready:
            said = f"The end of its log, {self._log}:\n{self.last_lines()}"
            raise PartFailed(f"{self.part.name} {ending}. {said}", exit_code)
        self._deaths_in_a_row = 1 if lived_s > policy.steady_after_s else self._deaths_in_a_row + 1
        wait_s = policy.wait_s(self._deaths_in_a_row)
        self._next_start_at_s = time.monotonic() + wait_s
        self._report(self.part.name, f"{ending}; starts again in {wait_s:.1f} s")


def _answers(part: Part) -> bool:
    try:
        return part.ready()
    except OSError:
        return False


def _ending(exit_code: int) -> str:
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
