"""Draws the vitals of a soak."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from tests.faults.vitals import Vitals


def plot_vitals(samples: Mapping[str, Sequence[Vitals]], every_s: float, path: Path) -> None:
    """Write a PNG: memory above, file handles below, a line a process, minutes along."""
    figure = Figure(figsize=(9, 7))  # not pyplot, which looks for a screen
    memory, handles = figure.subplots(2, 1, sharex=True)
    for name, taken in samples.items():
        minutes = [number * every_s / 60 for number in range(len(taken))]
        memory.plot(minutes, [each.memory_mib for each in taken], label=name)
        handles.plot(minutes, [each.handles for each in taken], label=name)
    memory.set_ylabel("resident memory, MiB")
    memory.set_ylim(bottom=0)
    memory.legend(loc="center left", bbox_to_anchor=(1.0, 0.0))
    handles.set_ylabel("open files and sockets")
    handles.set_ylim(bottom=0)
    handles.set_xlabel("minutes")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
