"""Ends a running stack from another process, whether its supervisor lives or was killed."""

import signal
import time

from local.part import Report
from local.processes import end_processes, send_signal
from local.state import end_leftovers, read_state
from local.workspace import Workspace

POLL_S = 0.05


def end_leftovers_of(workspace: Workspace) -> int:
    """End what a supervisor that is gone left in the workspace; return how many processes.

    A living supervisor, and what it runs, is left alone.
    """
    state = read_state(workspace)
    return 0 if state is None or state.is_supervised() else end_leftovers(state)


def take_down(workspace: Workspace, report: Report, *, within_s: float = 60.0) -> int:
    """End the workspace's stack; return how many processes had to be ended by us.

    A living supervisor is asked to end its own (it counts as one); whatever is left `within_s`
    later, or was left by a supervisor that is gone, is ended by its pid and start.
    """
    state = read_state(workspace)
    if state is None:
        return 0
    asked = 0
    if state.is_supervised():
        report("supervisor", f"asked to end (pid {state.supervisor.pid})")
        send_signal(state.supervisor, signal.SIGTERM)
        asked = 1
        deadline_s = time.monotonic() + within_s
        while state.is_supervised() and time.monotonic() < deadline_s:
            time.sleep(POLL_S)
        # One that hangs goes first, or it would start again what is ended below.
        end_processes([state.supervisor], grace_s=0.0)
        state = read_state(workspace) or state
    return asked + end_leftovers(state)
