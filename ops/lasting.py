"""`framerail up`, `down` and `status`: a pipeline that stays until it is ended."""

import subprocess
import sys
import time
from pathlib import Path

import msgspec
from rich.console import Console

from local.down import take_down
from local.part import Report
from local.stack import CHECKOUT
from local.state import StackState, read_state
from local.workspace import Workspace
from ops.books import Books
from ops.options import StackOptions, demo_workspace, lasting_workspace
from ops.progress import shown_progress
from ops.report import ADDRESSES, StackReport
from runtime.errors import ConfigurationError, DependencyError

LOOK_EVERY_S = 0.1


def bring_up(options: StackOptions, console: Console) -> StackState:
    """Start a pipeline that outlives this command, and return once every part is ready.

    Raises ConfigurationError if one runs already, DependencyError if it does not come up.
    """
    workspace = lasting_workspace()
    if (state := read_state(workspace)) is not None and state.is_supervised():
        raise ConfigurationError("a pipeline runs already; `framerail down` ends it")
    workspace.create()
    log = workspace.logs / "supervisor.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "ops.supervise", msgspec.json.encode(options).decode()],
            cwd=CHECKOUT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with shown_progress(console) as report:
            return _await_running(workspace, process, log, report)
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise


def _await_running(
    workspace: Workspace, process: subprocess.Popen[bytes], log: Path, report: Report
) -> StackState:
    with log.open(encoding="utf-8", errors="replace") as events:
        while True:
            has_ended = process.poll() is not None
            for line in events:
                report(*line.rstrip("\n").split("\t", 1)) if "\t" in line else None
            if has_ended:
                said = [line for line in log.read_text().splitlines() if "\t" not in line]
                raise DependencyError("\n".join(said) or f"it ended; see {log}")
            state = read_state(workspace)
            if state is not None and state.phase == "running" and state.is_supervised():
                return state
            time.sleep(LOOK_EVERY_S)


def bring_down(report: Report) -> int:
    """End the pipeline, and what a killed one or a killed demo left; return how many ended."""
    return sum(take_down(each, report) for each in (lasting_workspace(), demo_workspace()))


def running_state() -> StackState:
    """Return the state of the pipeline that runs; raise DependencyError if none does."""
    state = read_state(lasting_workspace())
    if state is None or not state.is_supervised():
        raise DependencyError("no pipeline runs; `framerail up` starts one")
    return state


def read_status() -> StackReport:
    """Return the account of the pipeline that runs. Raises DependencyError if none does."""
    state = running_state()
    workspace = lasting_workspace()
    books = Books(state.addresses, workspace.credentials_file)
    try:
        streams = books.refresh()
    finally:
        books.close()
    startup = workspace.stack / "startup_s"
    return StackReport(
        streams=streams,
        startup_s=float(startup.read_text()) if startup.exists() else None,
        addresses={name: state.addresses[name] for name in ADDRESSES},
        bucket=state.addresses["bucket"],
        credentials_file=str(workspace.credentials_file),
    )
