"""Let tritonserver and the processes of its models live and die together.

Triton 2.51 notices that the process of a model has died (out of memory, a crash), but neither
starts another nor stops saying that it is ready: every request fails for ever. So the guard ends
the server with SIGTERM, and whoever started it must start it again, whatever its exit code (it may
be 0). The other way round, it ends the models' processes with a server that was killed, and removes
the shared memory that nobody else would.

Run by launch.py beside the server: guard.py SERVER_PID REPORTS_FD SHM_PREFIX.
"""

import contextlib
import os
import select
import signal
import struct
import sys
from pathlib import Path

REPORT = struct.Struct(
    "=i"
)  # a model's process is up: its pid; it ends as it should: minus its pid
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where shm_open puts its regions on Linux


class Guard:
    """Watches one server and the models' processes that reported themselves."""

    def __init__(self, server_pid: int, reports_fd: int) -> None:
        """Begin to watch. Raises OSError without pidfd_open (Linux before 5.3)."""
        self._server = os.pidfd_open(server_pid)
        self._reports = reports_fd
        self._pidfd_of: dict[int, int] = {}
        self._watched = select.poll()
        self._watched.register(self._server, select.POLLIN)
        self._watched.register(self._reports, select.POLLIN)

    def watch(self) -> None:
        """Return after the server has ended, and no process of a model is left."""
        while True:
            ready = {descriptor for descriptor, _ in self._watched.poll()}
            # First the reports: a process that ends as it should says so before it does.
            if self._reports in ready:
                self._read_reports()
            if self._server in ready:
                self._end_models()
                return
            for pid, pidfd in [*self._pidfd_of.items()]:
                if pidfd in ready:
                    self._forget(pid)
                    self._end_server(pid)

    def _read_reports(self) -> None:
        reports = os.read(self._reports, 1024 * REPORT.size)
        if not reports:
            self._watched.unregister(self._reports)
        numbers = [number for (number,) in REPORT.iter_unpack(reports)]
        for pid in {abs(number) for number in numbers}:
            # Its last word counts: a model may be loaded and unloaded between two reads.
            self._forget(pid)
            if -pid not in numbers:
                self._watch_model(pid)

    def _watch_model(self, pid: int) -> None:
        try:
            self._pidfd_of[pid] = os.pidfd_open(pid)
        except ProcessLookupError:
            self._end_server(pid)
        else:
            self._watched.register(self._pidfd_of[pid], select.POLLIN)

    def _forget(self, pid: int) -> None:
        pidfd = self._pidfd_of.pop(pid, None)
        if pidfd is not None:
            self._watched.unregister(pidfd)
            os.close(pidfd)

    def _end_server(self, lost_pid: int) -> None:
        # Not SIGKILL: as process 1 of a container the server would not even notice.
        sys.stderr.write(f"guard.py: model process {lost_pid} died, ending tritonserver\n")
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._server, signal.SIGTERM)

    def _end_models(self) -> None:
        for pidfd in self._pidfd_of.values():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def remove_regions(shm_prefix: str, folder: Path = SHARED_MEMORY) -> None:
    """Unlink the shared memory regions in `folder` whose names begin with `shm_prefix`."""
    for region in folder.glob(f"{shm_prefix}*"):
        region.unlink(missing_ok=True)


if __name__ == "__main__":
    Guard(int(sys.argv[1]), int(sys.argv[2])).watch()
    remove_regions(sys.argv[3])
