"""`framerail up`, `down` and `status`: a pipeline that stays until it is ended."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from rich.console import Console

from local.down import end_leftovers_of, take_down
from local.errors import StartInterrupted
from local.part import Report
from local.stack import CHECKOUT
from local.state import PartState, StackState, read_state
from local.workspace import Workspace
from ops.ledger.books import Books
from ops.options import STARTUP, StackOptions, demo_workspace, lasting_workspace
from ops.progress import shown_progress
from ops.report import ADDRESSES, PartReport, StackReport
from ops.target import local_target
from runtime.errors import ConfigurationError, DependencyError, FramerailError

LOOK_EVERY_S = 0.1


class UpFailed(FramerailError):
    """The pipeline did not come up; `exit_code` is that of the process that tried."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def bring_up(options: StackOptions, console: Console) -> StackState:
    """Start a pipeline that outlives this command, and return once every part is ready.

    Raises ConfigurationError if one runs already, UpFailed if it does not come up, and
    StartInterrupted at Ctrl-C or SIGTERM, when all has ended again.
    """
    workspace = lasting_workspace()
    if (state := read_state(workspace)) is not None and state.is_supervised():
        raise ConfigurationError("a pipeline runs already; `framerail down` ends it")
    workspace.create()
    log = workspace.logs / "supervisor.log"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    supervisor = _spawn(options, log)
    try:
        with shown_progress(console) as report:
            return _await_running(workspace, supervisor, log, report)
    except KeyboardInterrupt:
        supervisor.terminate()
        supervisor.wait()
        raise StartInterrupted("stopped while starting") from None


def _spawn(options: StackOptions, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "ops.supervise"],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    if supervisor.stdin is not None:
        supervisor.stdin.write(msgspec.json.encode(options))
        supervisor.stdin.close()
    return supervisor


def _await_running(
    workspace: Workspace, supervisor: subprocess.Popen[bytes], log: Path, report: Report
) -> StackState:
    with log.open(encoding="utf-8", errors="replace") as events:
        while True:
            exit_code = supervisor.poll()
            for line in events:
                step, tab, detail = line.rstrip("\n").partition("\t")
                if tab:
                    report(step, detail)
            if exit_code is not None:
                raise UpFailed(_last_words(log), exit_code or 1)
            state = read_state(workspace)
            if state is not None and state.phase == "running" and state.is_supervised():
                return state
            time.sleep(LOOK_EVERY_S)


def _last_words(log: Path) -> str:
    said = [line for line in log.read_text(errors="replace").splitlines() if "\t" not in line]
    return "\n".join(said).removeprefix("framerail: ") or f"it ended; see {log}"


def bring_down(report: Report) -> int:
    """End the pipeline, and what a killed one or a killed demo left; return how many ended.

    A demo that lives is left alone.
    """
    return take_down(lasting_workspace(), report) + end_leftovers_of(demo_workspace())


def running_state() -> StackState:
    """Return the state of the pipeline that runs; raise DependencyError if none does."""
    state = read_state(lasting_workspace())
    if state is None or not state.is_supervised():
        raise DependencyError("no pipeline runs; `framerail up` starts one")
    return state


def _part_report(part: PartState) -> PartReport:
    pid = None if part.process is None else part.process.pid
    return PartReport(part.name, part.is_ready, pid, part.restarts, part.log)


def read_status() -> StackReport:
    """Return the account of the pipeline that runs. Raises DependencyError if none does."""
    state = running_state()
    workspace = lasting_workspace()
    books = Books(local_target(state.addresses, workspace.credentials_file))
    try:
        streams = books.refresh()
    finally:
        books.close()
    return msgspec.structs.replace(parts_report(state), streams=streams)


def parts_report(state: StackState) -> StackReport:
    """Return what is known of a pipeline without asking it: its parts and addresses."""
    workspace = lasting_workspace()
    startup = workspace.stack / STARTUP
    return StackReport(
        streams={},
        startup_s=float(startup.read_text()) if startup.exists() else None,
        addresses={name: state.addresses[name] for name in ADDRESSES if name in state.addresses},
        parts=tuple(_part_report(part) for part in state.parts),
        bucket=state.addresses["bucket"],
        credentials_file=str(workspace.credentials_file),
    )
