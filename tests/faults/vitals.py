"""Memory and file handles of every part of a running pipeline."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from local.state import read_state
from tests.faults.system import System

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Vitals:
    """One part with its children at one moment: resident memory in MiB, open files and sockets."""

    memory_mib: float
    handles: int


def vitals_of(system: System) -> dict[str, Vitals]:
    """Return the vitals of every part that runs."""
    state = read_state(system.workspace)
    parts = () if state is None else state.parts
    found = {}
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            tree = system.tree(part.name)
            memory_bytes = sum(process.memory_info().rss for process in tree)
            handles = sum(process.num_fds() for process in tree)
            found[part.name] = Vitals(memory_bytes / MIB, handles)
    return found


def growth_mib(samples: Sequence[Vitals]) -> float:
    """Return by how much the median memory of the last third is above that of the second.

    In the first one heaps and caches fill.
    """
    third = len(samples) // 3
    return _median(samples[-third:]) - _median(samples[third:-third])


def _median(samples: Sequence[Vitals]) -> float:
    return sorted(each.memory_mib for each in samples)[len(samples) // 2]
