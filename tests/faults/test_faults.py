"""Whatever breaks, no frame is lost or doubled, and the pictures come again by themselves."""

import time

import pytest

from ops.ledger.verdict import Ledger
from tests.faults.catalogue import FAULTS, Fault
from tests.faults.report import Outcome
from tests.faults.system import System

marked = [
    pytest.param(fault, id=fault.name, marks=[pytest.mark.quick] if fault.is_quick else [])
    for fault in FAULTS
]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("fault", marked)
def test_nothing_is_lost_or_doubled(system: System, outcomes: list[Outcome], fault: Fault) -> None:
    begun_ns = time.time_ns()
    fault.make(system)
    ended_s, ended_ns = time.monotonic(), time.time_ns()
    system.wait_until_live(ended_ns)
    recovery_s = time.monotonic() - ended_s
    ledger = system.ledger(begun_ns)
    outcomes.append(outcome_of(fault, ledger, recovery_s))
    assert ledger.closed, ledger


@pytest.mark.quick
@pytest.mark.timeout(400)
def test_the_books_of_all_that_was_broken_close_together(system: System) -> None:
    ledger = system.ledger(since_ns=0)
    assert ledger.closed, ledger


def outcome_of(fault: Fault, ledger: Ledger, recovery_s: float) -> Outcome:
    """Return a line of the table; frames that nobody tells of count as lost."""
    streams = ledger.streams.values()
    return Outcome(
        fault=fault.name,
        broken=fault.broken,
        lost=sum(stream.lost + len(stream.named.untold) for stream in streams),
        doubled=sum(stream.doubled for stream in streams),
        pictures_missing=sum(s.pictures.missing + s.pictures.mismatched for s in streams),
        recovery_s=round(recovery_s, 1),
    )
