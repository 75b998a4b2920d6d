"""What runs, written down so that a later command can find and end it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from local.processes import ProcessMark, boot_id, end_processes, processes_of_run
from local.workspace import Workspace

Phase = Literal["starting", "running", "stopping", "stopped"]


class PartState(msgspec.Struct, frozen=True):
    """One part as it is now; `process` is None while it waits for its (next) start."""

    name: str
    log: str
    process: ProcessMark | None = None
    is_ready: bool = False
    restarts: int = 0


class StackState(msgspec.Struct, frozen=True):
    """One run of a stack. `boot` names the boot of the machine in which the marks hold."""

    run_id: str
    boot: str
    phase: Phase
    supervisor: ProcessMark
    parts: tuple[PartState, ...] = ()
    addresses: Mapping[str, str] = {}

    def is_supervised(self) -> bool:
        """Tell whether the supervisor that wrote this still lives."""
        return self.boot == boot_id() and self.supervisor.is_alive()


def write_state(path: Path, state: StackState) -> None:
    """Replace the state file as a whole, so that a reader never sees half of it."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2))
    draft.replace(path)


def read_state(workspace: Workspace) -> StackState | None:
    """Return what the last run wrote; None if there was none or its file cannot be read."""
    try:
        return msgspec.json.decode(workspace.state_file.read_bytes(), type=StackState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def end_leftovers(state: StackState, grace_s: float = 5.0) -> int:
    """End every part of a run whose supervisor is gone; return how many processes that were.

    Only processes whose pid and start both match, or which carry the run's random name in their
    environment, are touched. After a restart of the machine there is nothing to end.
    """
    if state.boot != boot_id():
        return 0
    recorded = {part.process for part in state.parts if part.process is not None}
    return end_processes(recorded | set(processes_of_run(state.run_id)), grace_s)
