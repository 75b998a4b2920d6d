"""Twenty minutes of work: the memory and the file handles of every process stay as they were."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.options import StackOptions
from tests.faults.conftest import CACHE
from tests.faults.system import System
from tests.faults.vitals import Vitals, growth_mib, vitals_of
from tests.soak.plot import plot_vitals

WARM_UP_S = 120.0
SAMPLE_EVERY_S = 5.0
GROWTH_MIB = 32.0
HANDLES = 16
TRITON_MIB = 1500.0
"""OpenVINO keeps what it made for each batch size that it met: 580 MiB for all from 1 to 50."""
DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    # So little that Kafka deletes segments, with their files, as fast as it makes new ones.
    changes = {"FRAMERAIL_FRAMES_RETENTION_BYTES": str(192 * 1024**2)}
    system = System(tmp_path_factory.mktemp("soak"), CACHE, StackOptions(cameras=2), changes)
    system.start()
    yield system
    system.stop()


@pytest.mark.timeout(7200)
def test_memory_and_file_handles_stay_flat(system: System, pytestconfig: pytest.Config) -> None:
    samples: dict[str, list[Vitals]] = {}
    minutes: float = pytestconfig.getoption("--minutes")
    time.sleep(WARM_UP_S)
    ends_s = time.monotonic() + 60 * minutes
    while time.monotonic() < ends_s:
        for name, vitals in vitals_of(system).items():
            samples.setdefault(name, []).append(vitals)
        time.sleep(SAMPLE_EVERY_S)
    plot_vitals(samples, SAMPLE_EVERY_S, DOCS / "pictures" / "soak.png")
    assert system.ledger(since_ns=0).closed
    most_mib = max(each.memory_mib for each in samples["triton"])
    assert most_mib < TRITON_MIB
    grown = {name: growth_mib(taken) for name, taken in samples.items() if name != "triton"}
    assert all(mib < GROWTH_MIB for mib in grown.values()), grown
    for name, taken in samples.items():
        half = len(taken) // 2
        before, after = (
            max(each.handles for each in part) for part in (taken[:half], taken[half:])
        )
        assert after <= before + HANDLES, name
