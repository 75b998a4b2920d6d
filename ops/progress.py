"""Shows how far long work is: live on a terminal, a line an event elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import (
    BarColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as LiveProgress
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

COUNTS_EVERY_S = 5.0
BAR_CHARS = 12


class Progress(Protocol):
    """Is told of steps by name; the newest of each counts."""

    def __call__(self, step: str, detail: str) -> None:
        """Say what a step is at; a detail that begins with `ready` ends it."""

    def count(self, step: str, done: int, total: int, unit: str) -> None:
        """Say how much of a step is done, of how much; `total` may grow."""


@contextmanager
def shown_progress(console: Console) -> Iterator[Progress]:
    """Yield a progress that is shown on the console for as long as the context lasts."""
    if console.is_interactive:
        with LiveProgress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<14}"),
            TimeElapsedColumn(),
            _WhereCounted(BarColumn(bar_width=BAR_CHARS)),
            _WhereCounted(TimeRemainingColumn(compact=True)),
            TextColumn("{task.fields[detail]}", style="dim", markup=False, table_column=_rest()),
            console=console,
            expand=True,
        ) as live:
            yield _LiveSteps(live)
    else:
        yield _LineSteps(console)


@contextmanager
def shown_wait(console: Console, what: str, seconds: float) -> Iterator[None]:
    """Show how much is left of a wait that takes so long, where somebody looks."""
    if not console.is_interactive:
        yield
        return
    begun_s = time.monotonic()

    def drawn() -> Table:
        passed_s = min(time.monotonic() - begun_s, seconds)
        bar = ProgressBar(total=seconds, completed=passed_s, width=BAR_CHARS)
        line = Table.grid(padding=(0, 1))
        line.add_row(what, bar, f"{seconds - passed_s:.0f} s left")
        return line

    with Live(get_renderable=drawn, console=console, transient=True):
        yield


def time_left_s(done: int, total: int, elapsed_s: float) -> float | None:
    """Return the seconds that the rest will take at the speed so far, None while it is unknown."""
    return None if done < 1 else elapsed_s * max(total - done, 0) / done


def _rest() -> Column:
    return Column(no_wrap=True, overflow="ellipsis", ratio=1)


class _WhereCounted(ProgressColumn):
    """Leaves a column out of the steps of which no total is known."""

    def __init__(self, column: ProgressColumn) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._column = column

    def render(self, task: Task) -> object:  # type: ignore[override]  # as rich's own bar does
        """Return what the column shows, nothing where there is nothing to be counted."""
        return self._column(task) if task.fields["is_counted"] else Text("")


class _LiveSteps:
    def __init__(self, live: LiveProgress) -> None:
        self._live = live
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, detail: str) -> None:
        task = self._task(step)
        is_done = 1 if detail.startswith("ready") else 0
        self._live.update(task, detail=detail, total=1, completed=is_done, is_counted=False)

    def count(self, step: str, done: int, total: int, unit: str) -> None:
        detail = f"{done} of {total} {unit}"
        task = self._task(step)
        self._live.update(task, detail=detail, total=total, completed=done, is_counted=True)

    def _task(self, step: str) -> TaskID:
        if step not in self._tasks:
            self._tasks[step] = self._live.add_task(step, total=1, detail="", is_counted=False)
        return self._tasks[step]


class _LineSteps:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun_s = time.monotonic()
        self._counts_said_s: dict[str, float] = {}
        self._counts_begun: dict[str, tuple[float, int]] = {}

    def __call__(self, step: str, detail: str) -> None:
        is_growing = detail[:1].isdigit()  # a count: a line now and then is enough
        if not is_growing or self._is_time_to_say(step):
            self._say(step, detail)

    def count(self, step: str, done: int, total: int, unit: str) -> None:
        begun_s, first = self._counts_begun.setdefault(step, (time.monotonic(), done))
        if done < total and not self._is_time_to_say(step):
            return
        left_s = time_left_s(done - first, total - first, time.monotonic() - begun_s)
        left = f", {left_s:.0f} s left" if left_s and done < total else ""
        self._say(step, f"{done} of {total} {unit}{left}")

    def _is_time_to_say(self, step: str) -> bool:
        elapsed_s = time.monotonic() - self._begun_s
        if elapsed_s - self._counts_said_s.get(step, -COUNTS_EVERY_S) < COUNTS_EVERY_S:
            return False
        self._counts_said_s[step] = elapsed_s
        return True

    def _say(self, step: str, detail: str) -> None:
        elapsed_s = time.monotonic() - self._begun_s
        line = f"{elapsed_s:6.1f} s  {step:<14} {detail}"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
