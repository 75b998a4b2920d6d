"""One process of the stack: how it is started, known to be ready, restarted and ended."""

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

# Called with (step or part, detail) whenever there is something to show.
Report: TypeAlias = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Restart:
    """Start a part again when it dies, after waits that double from `first_wait_s`.

    Having lived for `steady_after_s`, it begins again with the first wait.
    """

    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    steady_after_s: float = 60.0

    def wait_s(self, deaths_in_a_row: int) -> float:
        """Return the wait before the next start, after so many deaths (1 or more) in a row."""
        return float(min(self.first_wait_s * 2 ** (deaths_in_a_row - 1), self.longest_wait_s))


def always_ready() -> bool:
    """Serve as the probe of a part that has nothing to ask: it is ready once it runs."""
    return True


@dataclass(frozen=True, slots=True)
class Part:
    """A process that the supervisor starts, watches and ends.

    `ready` is asked again and again from the supervisor's thread, so it must answer within a
    second or so; an OSError counts as not ready. `environment` is laid over the supervisor's own.
    `after` names parts that have to be ready first; parts without such ties start together.
    `before_start` runs just before each start, `after_end` after each end. `ports` are checked to
    be free before the first start. `restart=None`: the death of this part ends the stack.
    `orphan_signal` reaches the process when the supervisor itself dies.
    """

    name: str
    argv: tuple[str, ...]
    ready: Callable[[], bool] = always_ready
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: Path | None = None
    ports: tuple[int, ...] = ()
    after: tuple[str, ...] = ()
    before_start: Callable[[], None] | None = None
    after_end: Callable[[], None] | None = None
    ready_within_s: float = 30.0
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 5.0
    restart: Restart | None = None
