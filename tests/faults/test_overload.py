"""Cameras that are together twice as fast as the machine: what is late is dropped and counted."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ops.options import StackOptions
from tests.faults.conftest import CACHE
from tests.faults.system import System, wait_for
from tests.faults.vitals import Vitals, growth_mib, vitals_of

CAMERAS = 24
"""At 10 frames/s each: two shared cores manage some 100 frames/s of the whole way."""
LEFT = 4
OVERLOAD_S = 90.0
GROWTH_MIB = 128.0
"""A consumer holds a fetch of 4 MiB a stream at most, and fills them as its batches grow."""
LATENCY_BOUND_S = 40.0
"""Twice max_lag_s, a batch, and what the post-processor takes on a machine that is full."""
RECOVERED_WITHIN_S = 45.0

pytestmark = [pytest.mark.overload, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def overloaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("overload")
    system = System(folder, CACHE, StackOptions(cameras=CAMERAS))
    system.start()
    yield system
    if system.process is not None:
        system.stop()


def age_s(system: System, stream_id: str) -> float:
    """Return how old the newest picture of a stream is."""
    return (time.time_ns() - system.newest(stream_id).captured_ns) / 1e9


def test_an_overload_costs_counted_frames_and_neither_memory_nor_minutes(
    overloaded: System,
) -> None:
    wait_for(
        lambda: "streams.thinned" in overloaded.log("producer"), "the overload is noticed", 120
    )
    samples: dict[str, list[Vitals]] = defaultdict(list)
    ages: list[float] = []
    ends_s = time.monotonic() + OVERLOAD_S
    while time.monotonic() < ends_s:
        for name, vitals in vitals_of(overloaded).items():
            samples[name].append(vitals)
        ages.append(age_s(overloaded, f"cam{len(ages) % CAMERAS + 1}"))
        time.sleep(1)
    reports = overloaded.ledger(since_ns=0).streams
    dropped = {name: r.dropped.get("overload", 0) for name, r in reports.items()}
    inferred = {name: report.inferred for name, report in reports.items()}
    grown = {name: round(growth_mib(taken), 1) for name, taken in samples.items()}
    sys.stderr.write(f"{sorted(ages)[-5:]=} {dropped=} {inferred=} {grown=}\n")
    assert max(ages) < LATENCY_BOUND_S
    assert sum(dropped.values()) > 0.2 * sum(report.captured for report in reports.values())
    assert min(inferred.values()) > 0.5 * max(inferred.values())
    assert all(report.closed for report in reports.values())
    assert all(mib < GROWTH_MIB for name, mib in grown.items() if name != "kafka")
    assert recovers(overloaded) < RECOVERED_WITHIN_S


def recovers(system: System) -> float:
    """End the overload; return the seconds until the cameras that are left are live again."""
    began_s = time.monotonic()
    left = [f"cam{number}" for number in range(1, LEFT + 1)]
    with ExitStack() as stopped:
        for number in range(LEFT + 1, CAMERAS + 1):
            stopped.enter_context(system.frozen(f"camera-cam{number}"))
        wait_for(
            lambda: all(age_s(system, name) < 6 for name in left), "live again", RECOVERED_WITHIN_S
        )
        recovery_s = time.monotonic() - began_s
        system.stop()
    return recovery_s
