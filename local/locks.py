"""Locks on files: they end with the process that holds them, however it ends."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_S = 0.1


@contextmanager
def exclusive(
    path: Path, on_wait: Callable[[], None], check: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Hold the lock of `path`, waiting for whoever has it.

    `on_wait` is called once before a wait and `check` again and again during it; either refuses
    the wait by raising. (A flock that blocks would sleep through every signal handler.)
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _is_taken_over(descriptor):
            on_wait()
            while not _is_taken_over(descriptor):
                check()
                time.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)


def _is_taken_over(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
