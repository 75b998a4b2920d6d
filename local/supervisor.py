"""Starts parts, keeps them alive, and leaves nothing behind however it ends."""

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import TypeVar

from local.errors import AlreadyRunning, StartInterrupted
from local.locks import exclusive
from local.part import Part, Report
from local.ports import require_free
from local.processes import boot_id, end_processes, mark_of, processes_of_run
from local.state import Phase, StackState, end_leftovers, read_state, write_state
from local.stopping import StoppableReport, caught_signals
from local.supervised import SupervisedPart
from local.workspace import Workspace

POLL_WHILE_STARTING_S = 0.05
POLL_WHILE_RUNNING_S = 0.2

Prepared = TypeVar("Prepared")


def say_nothing(_name: str, _detail: str) -> None:
    """Stand in for a report that nobody reads."""


class Supervisor:
    """Owns the processes of one workspace, as a context manager.

    Everything happens in the thread that calls, which must be the main thread: the kernel ends
    the parts when the thread that started them ends. Entering raises AlreadyRunning if another
    supervisor lives in the workspace, and ends what a killed one left behind.

    With `catches_signals`, SIGINT and SIGTERM set `stop_requested` from entering until the last
    process has ended: a second Ctrl-C does not break off the end.
    """

    def __init__(
        self, workspace: Workspace, report: Report = say_nothing, *, catches_signals: bool = False
    ) -> None:
        self.stop_requested = threading.Event()
        self._workspace = workspace
        self._report = report
        self._catches_signals = catches_signals
        self._run_id = secrets.token_hex(16)
        self._parts: list[SupervisedPart] = []
        self._addresses: dict[str, str] = {}
        self._phase: Phase = "starting"
        self._written: StackState | None = None
        self._held = contextlib.ExitStack()

    def __enter__(self) -> "Supervisor":
        self._workspace.create()
        with contextlib.ExitStack() as entering:
            if self._catches_signals:
                entering.enter_context(caught_signals(self.stop_requested))
            entering.enter_context(exclusive(self._workspace.lock_file, self._refuse_a_second))
            earlier = read_state(self._workspace)
            if earlier is not None and (count := end_leftovers(earlier)):
                self._report("supervisor", f"ended {count} processes that a killed run left behind")
            self._write_state()
            self._held = entering.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        finally:
            self._held.close()

    def prepare(self, prepare: Callable[[Report], Prepared]) -> Prepared:
        """Return what `prepare` makes, as `EmbeddedStack.prepare` makes parts, given a report.

        The tools that it runs belong to this run: `stop_requested` ends them within a second and
        raises StartInterrupted, and those that outlive a killed supervisor are found as parts are.
        """
        return prepare(StoppableReport(self._report, self.stop_requested, self._run_id))

    def start(self, parts: Sequence[Part], addresses: Mapping[str, str] | None = None) -> None:
        """Start parts and wait until all are ready; may be called again to add more.

        Parts start in the order given, each as soon as those named in its `after` are ready.
        Raises ValueError (`after` names a part that comes later or not at all), PortTaken,
        PartFailed (a part died or was late) or StartInterrupted; what runs by then is ended on
        leaving the context.
        """
        self._require_startable(parts)
        self._addresses.update(addresses or {})
        waiting = [self._supervise(part) for part in parts]
        while waiting or not all(supervised.is_ready for supervised in self._parts):
            if self.stop_requested.is_set():
                raise StartInterrupted("stopped while starting")
            waiting = self._start_those_free_to(waiting)
            self.tend()
            self.stop_requested.wait(POLL_WHILE_STARTING_S)
        self._phase = "running"
        self._write_state()

    def watch(self) -> None:
        """Keep the parts alive until `stop_requested` is set.

        Raises PartFailed when a part without a restart policy dies.
        """
        while not self.stop_requested.is_set():
            self.tend()
            self.stop_requested.wait(POLL_WHILE_RUNNING_S)

    def tend(self) -> None:
        """Look after every part once, for a caller with a loop of its own. Raises as `watch`."""
        for supervised in self._parts:
            supervised.tick()
        self._write_state()

    def end(self, names: Collection[str]) -> None:
        """End these parts for good and wait until they are gone; the others go on."""
        ending = [supervised for supervised in self._parts if supervised.part.name in names]
        for supervised in ending:
            supervised.ask_to_end()
        while not all([supervised.has_ended() for supervised in ending]):
            threading.Event().wait(POLL_WHILE_STARTING_S)
        self._parts = [supervised for supervised in self._parts if supervised not in ending]
        self._write_state()

    def stop(self) -> None:
        """End every part, none before those that depend on it; then whatever else of the run."""
        self._phase = "stopping"
        self._write_state()
        asked: list[SupervisedPart] = []
        pause = threading.Event()
        while self._parts:
            for supervised in self._parts:
                if supervised not in asked and not self._dependents(supervised):
                    supervised.ask_to_end()
                    asked.append(supervised)
            self._parts = [
                part for part in self._parts if part not in asked or not part.has_ended()
            ]
            self._write_state()
            pause.wait(POLL_WHILE_STARTING_S)
        end_processes(processes_of_run(self._run_id), grace_s=1.0)
        self._phase = "stopped"
        self._write_state()

    def _require_startable(self, parts: Sequence[Part]) -> None:
        known = {supervised.part.name for supervised in self._parts}
        for part in parts:
            if missing := set(part.after) - known:
                raise ValueError(
                    f"{part.name} comes after {sorted(missing)}, not started before it"
                )
            known.add(part.name)
            require_free(part.name, part.ports)

    def _supervise(self, part: Part) -> SupervisedPart:
        log = self._workspace.logs / f"{part.name}.log"
        if log.exists():
            log.replace(log.with_suffix(".log.1"))
        return SupervisedPart(part, log, self._run_id, self._report)

    def _start_those_free_to(self, waiting: list[SupervisedPart]) -> list[SupervisedPart]:
        ready = {supervised.part.name for supervised in self._parts if supervised.is_ready}
        still_waiting = []
        for supervised in waiting:
            if ready.issuperset(supervised.part.after):
                self._parts.append(supervised)
                supervised.start()
            else:
                still_waiting.append(supervised)
        return still_waiting

    def _dependents(self, needed: SupervisedPart) -> list[SupervisedPart]:
        return [other for other in self._parts if needed.part.name in other.part.after]

    def _write_state(self) -> None:
        state = StackState(
            run_id=self._run_id,
            boot=boot_id(),
            phase=self._phase,
            supervisor=mark_of(os.getpid()),
            parts=tuple(supervised.state() for supervised in self._parts),
            addresses=dict(self._addresses),
        )
        if state != self._written:
            write_state(self._workspace.state_file, state)
            self._written = state

    def _refuse_a_second(self) -> None:
        earlier = read_state(self._workspace)
        holder = f" (pid {earlier.supervisor.pid})" if earlier is not None else ""
        raise AlreadyRunning(f"another stack runs in {self._workspace.root}{holder}; end it first")
