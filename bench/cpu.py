"""What processes use of the machine, as the kernel counts it."""

from contextlib import suppress

import psutil

MIB = 1024 * 1024


def cpu_s_of_tree(pid: int) -> float:
    """Return the CPU-seconds, user and system, of a process and its children, ended ones too."""
    used_s = 0.0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used_s += times.user + times.system + times.children_user + times.children_system
    return used_s


def memory_mib_of_tree(pid: int) -> float:
    """Return the proportional set size of a process and its children, in MiB."""
    held_bytes = 0
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            held_bytes += process.memory_full_info().pss
    return held_bytes / MIB


def _tree(pid: int) -> list[psutil.Process]:
    try:
        own = psutil.Process(pid)
        return [own, *own.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
