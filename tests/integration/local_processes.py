"""The embedded stack as a process of its own, so that tests can kill it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.processes import ProcessMark, processes_of_run
from local.stack import CHECKOUT
from local.state import PartState, StackState, read_state
from local.workspace import Workspace


class StackProcess:
    """A supervisor in another process, seen through the state that it writes."""

    def __init__(self, workspace: Workspace, argv: Sequence[str]) -> None:
        self.workspace = workspace
        self._output = workspace.root / "supervisor-output.log"
        workspace.root.mkdir(parents=True, exist_ok=True)
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                argv, cwd=CHECKOUT, stdout=output, stderr=subprocess.STDOUT
            )

    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def state(self) -> StackState:
        state = read_state(self.workspace)
        assert state is not None
        return state

    def part(self, name: str) -> PartState:
        return next(part for part in self.state().parts if part.name == name)

    def is_running(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"the stack ended by itself:\n{self.output()}")
        state = read_state(self.workspace)
        return (
            state is not None
            and state.phase == "running"
            and state.supervisor.pid == self.process.pid
        )

    def processes(self) -> list[ProcessMark]:
        return processes_of_run(self.state().run_id)

    def send(self, which: signal.Signals) -> int:
        """Signal the supervisor and return its exit code."""
        os.kill(self.process.pid, which)
        return self.process.wait(timeout=60)


@contextmanager
def stack_process(
    workspace: Workspace, *servers: str, argv: Sequence[str] = ()
) -> Iterator[StackProcess]:
    """Run `python -m local` with some servers, or another supervising program, until ready."""
    own = ["-m", "local", "--home", str(workspace.root), "--cache", str(workspace.cache), "--only"]
    stack = StackProcess(workspace, [sys.executable, *(argv or [*own, *servers])])
    try:
        deadline_s = time.monotonic() + 240
        while not stack.is_running():
            assert time.monotonic() < deadline_s, stack.output()
            time.sleep(0.05)
        yield stack
    finally:
        if stack.process.poll() is None:
            stack.send(signal.SIGTERM)


def stubborn_supervisor(root: Path) -> list[str]:
    """Return a program that supervises a shell and its child, both deaf to SIGTERM."""
    program = f"""
from pathlib import Path
from local.part import Part
from local.supervisor import Supervisor
from local.workspace import Workspace
shell = "trap '' TERM; sleep 600 & while true; do sleep 600; done"
with Supervisor(Workspace(Path({str(root)!r})), catches_signals=True) as supervisor:
    supervisor.start([Part(name="deaf", argv=("sh", "-c", shell), grace_s=0.5)])
    supervisor.watch()
"""
    return ["-c", program]
