"""Shows what is prepared and started: a live list on a terminal, a line an event elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from local.part import Report

COUNTS_EVERY_S = 5.0


@contextmanager
def shown_progress(console: Console) -> Iterator[Report]:
    """Yield a report that shows the newest detail of each step for as long as the context lasts."""
    if console.is_terminal:
        with Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<14}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", style="dim"),
            console=console,
        ) as progress:
            yield _LiveReport(progress)
    else:
        yield _LineReport(console)


class _LiveReport:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, step: str, detail: str) -> None:
        if step not in self._tasks:
            self._tasks[step] = self._progress.add_task(step, total=1, detail=detail)
        is_done = 1 if detail.startswith("ready") else 0
        self._progress.update(self._tasks[step], detail=detail, completed=is_done)


class _LineReport:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._begun_s = time.monotonic()
        self._counts_said_s: dict[str, float] = {}

    def __call__(self, step: str, detail: str) -> None:
        elapsed_s = time.monotonic() - self._begun_s
        if detail[:1].isdigit():  # a count that grows: a line now and then is enough
            if elapsed_s - self._counts_said_s.get(step, -COUNTS_EVERY_S) < COUNTS_EVERY_S:
                return
            self._counts_said_s[step] = elapsed_s
        line = f"{elapsed_s:6.1f} s  {step:<14} {detail}"
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
