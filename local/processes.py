"""Processes started so that they end with us, and known again without doubt after a crash."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

import msgspec
import psutil

from local.part import Part

# Every process of a run carries the run's random name in its environment, and so do the processes
# that those start: Triton's stubs and the like are found by it when their parents are gone.
RUN_VARIABLE = "FRAMERAIL_LOCAL_RUN"
PR_SET_PDEATHSIG = 1
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class ProcessMark(msgspec.Struct, frozen=True):
    """A process beyond doubt: its pid, and when the kernel started it (clock ticks since boot).

    Ticks rather than the time of day, because they do not move when the clock is set.
    """

    pid: int
    started_ticks: int

    def is_alive(self) -> bool:
        """Tell whether this very process still runs (a zombie does not)."""
        try:
            return started_ticks(self.pid) == self.started_ticks
        except ProcessLookupError:
            return False


def started_ticks(pid: int) -> int:
    """Return when the process started, in clock ticks since boot.

    Raises ProcessLookupError if there is none with this pid, or only a zombie.
    """
    state, ticks = _stat(pid)
    if state in "ZX":
        raise ProcessLookupError(pid)
    return ticks


def _stat(pid: int) -> tuple[str, int]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(pid) from None
    # The name, in brackets, may hold blanks and brackets; after it come the state, which is field 3
    # of proc(5), and among others the start, field 22.
    fields = stat.rpartition(")")[2].split()
    return fields[0], int(fields[22 - 3])


def mark_of(pid: int) -> ProcessMark:
    """Return the mark of a running process; raises ProcessLookupError if it is gone."""
    return ProcessMark(pid, started_ticks(pid))


def boot_id() -> str:
    """Return the name of this boot: marks of another boot mean nothing."""
    return BOOT_ID.read_text(encoding="ascii").strip()


class Child:
    """A part's process, from its start to its burial."""

    def __init__(self, part: Part, run_id: str, log: IO[bytes]) -> None:
        """Start the part in a session of its own, so that Ctrl-C reaches the supervisor only.

        The kernel sends it `orphan_signal` when the thread that calls this ends: call it from the
        main thread. Raises OSError if the program cannot be run.
        """
        self._after_end = part.after_end
        self._process = subprocess.Popen(  # noqa: S603 - the argv is ours
            part.argv,
            cwd=part.working_directory,
            env={**os.environ, **part.environment, RUN_VARIABLE: run_id},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent(part.orphan_signal),
        )
        # Also of one that is dead already: nobody buries it but us.
        self.mark = ProcessMark(self._process.pid, _stat(self._process.pid)[1])

    def has_died(self) -> bool:
        """Tell whether the process ended, without burying it: its pid stays its own."""
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self._process.pid, flags) is not None

    def signal(self, which: signal.Signals) -> None:
        """Send a signal to the process alone; what it started is its own to end."""
        # Not Popen's own way, which buries a process that has died meanwhile.
        os.kill(self._process.pid, which)

    def bury(self) -> int:
        """End by force whatever is left of the process and its session; return its exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        exit_code = self._process.wait()
        if self._after_end is not None:
            self._after_end()
        return exit_code


def _die_with_parent(orphan_signal: signal.Signals) -> Callable[[], None]:
    # Loaded before the fork: the child must not take locks that another thread may hold.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def arm() -> None:
        prctl(PR_SET_PDEATHSIG, int(orphan_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before the kernel knew
            os._exit(1)

    return arm


def processes_of_run(run_id: str) -> list[ProcessMark]:
    """Find every process, other than the caller, that carries the name of the run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(RUN_VARIABLE) == run_id:
                found.append(mark_of(process.pid))
        except (psutil.Error, ProcessLookupError, OSError):
            continue
    return found


def end_processes(marks: Iterable[ProcessMark], grace_s: float) -> int:
    """End processes, kindly first and by force after `grace_s`; return how many were alive."""
    alive = [mark for mark in marks if mark.is_alive()]
    count = len(alive)
    for which, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10.0)):
        for mark in alive:
            send_signal(mark, which)
        deadline = time.monotonic() + wait_s
        while (
            alive := [mark for mark in alive if mark.is_alive()]
        ) and time.monotonic() < deadline:
            time.sleep(0.02)
    return count


def send_signal(mark: ProcessMark, which: signal.Signals) -> None:
    """Signal this very process; nothing happens if it is gone."""
    # A descriptor of the process stands for this one only, even if its pid is given away
    # between the check and the signal.
    try:
        descriptor = os.pidfd_open(mark.pid)
    except ProcessLookupError:
        return
    try:
        if mark.is_alive():
            signal.pidfd_send_signal(descriptor, which)
    except ProcessLookupError:
        return
    finally:
        os.close(descriptor)
