"""One pipeline that is broken again and again, and the table of what came of it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import CHECKOUT
from ops.options import StackOptions
from tests.faults.catalogue import FAULTS
from tests.faults.report import Outcome, write_report
from tests.faults.system import System

CACHE = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail")) / "cache"
CAMERAS = 2


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-report",
        action="store_true",
        help="write docs/reliability.json and the table in docs/reliability.md",
    )


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Two cameras through the whole pipeline."""
    system = System(tmp_path_factory.mktemp("system"), CACHE, StackOptions(cameras=CAMERAS))
    system.start()
    system.wait_until_live(time.time_ns())
    yield system
    if system.process is not None:
        system.stop()


@pytest.fixture(scope="session")
def outcomes(pytestconfig: pytest.Config) -> Iterator[list[Outcome]]:
    """Collects what came of each fault."""
    found: list[Outcome] = []
    yield found
    if pytestconfig.getoption("--write-report") and found:
        write_report(found, [fault.name for fault in FAULTS])
