"""The edge to the machine: how much memory this process may take."""

import os
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def memory_limit_bytes(groups: Path = CGROUPS) -> int:
    """Return the container's limit, or all memory of the machine where that is less.

    `groups` is where the kernel shows the limits of control groups.
    """
    total_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # Version 2 of control groups, then version 1; inside a container the root is its own group.
    files = ("memory.max", "memory/memory.limit_in_bytes")
    return min([total_bytes, *(limit for name in files if (limit := _number(groups / name)))])


def _number(path: Path) -> int | None:
    with suppress(OSError, ValueError):  # absent, or "max" for no limit
        return int(path.read_text())
    return None
