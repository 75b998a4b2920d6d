"""Threads that are told to stop wait for nobody, and nobody waits for them."""

import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from local.stack import CHECKOUT
from runtime.daemon_pool import DaemonPool

HANGING = """
import threading
from runtime.daemon_pool import DaemonPool

begun = threading.Event()
DaemonPool(1, "hanging").submit(lambda: (begun.set(), threading.Event().wait()))
begun.wait()
"""


def test_what_the_work_returns_or_raises_comes_back() -> None:
    pool: DaemonPool[int] = DaemonPool(2, "tested")
    assert pool.submit(lambda: 7).result(timeout=10) == 7
    with pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 // 0).result(timeout=10)


def test_what_waits_is_cancelled_and_what_is_under_way_goes_on() -> None:
    begun, gate = threading.Event(), threading.Event()
    pool: DaemonPool[bool] = DaemonPool(1, "tested")

    def hang() -> bool:
        begun.set()
        return gate.wait(10)

    under_way, waiting = pool.submit(hang), pool.submit(lambda: True)
    begun.wait(10)
    pool.cancel_waiting()
    assert waiting.cancelled()
    gate.set()
    assert under_way.result(timeout=10)


def test_a_process_ends_though_its_work_hangs() -> None:
    argv = [sys.executable, "-c", HANGING]
    assert subprocess.run(argv, cwd=CHECKOUT, timeout=30, check=False).returncode == 0


def test_a_closed_pool_finishes_what_is_under_way_begins_nothing_more_and_leaves_no_thread(
    eventually: Callable[[Callable[[], bool], str, float], None],
) -> None:
    begun, gate = threading.Event(), threading.Event()
    pool: DaemonPool[bool] = DaemonPool(2, "closing")

    def hang() -> bool:
        begun.set()
        return gate.wait(10)

    under_way = [pool.submit(hang) for _ in range(2)]
    waiting = pool.submit(lambda: True)
    begun.wait(10)
    eventually(lambda: all(one.running() for one in under_way), "both are under way", 10)
    pool.close()
    gate.set()
    assert all(one.result(timeout=10) for one in under_way)
    assert waiting.cancelled()

    def is_gone() -> bool:
        return not any(one.name.startswith("closing-") for one in threading.enumerate())

    eventually(is_gone, "its threads have ended", 10)
