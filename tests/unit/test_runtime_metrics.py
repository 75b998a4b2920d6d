"""The gauge of how far a stream has come, which several threads tell of in any order."""

import pytest
from prometheus_client import CollectorRegistry, Gauge

from runtime.metrics import NewestCapture

NOW_S = 1_700_000_000
SECOND_NS = 10**9


class Told:
    """The gauge of one stream, and what it shows."""

    def __init__(self) -> None:
        self.now_s = float(NOW_S)
        self._registry = CollectorRegistry()
        gauge = Gauge("newest", "Newest.", ["stream"], registry=self._registry)
        self._newest = NewestCapture(gauge, lambda: self.now_s)

    def reached(self, captured_s: float) -> None:
        self._newest.reached("gate", int(captured_s * SECOND_NS))

    @property
    def shown_s(self) -> float | None:
        return self._registry.get_sample_value("newest", {"stream": "gate"})


@pytest.fixture
def told() -> Told:
    return Told()


def test_what_comes_late_does_not_set_a_stream_back(told: Told) -> None:
    told.reached(NOW_S - 2)
    told.reached(NOW_S - 7200)
    assert told.shown_s == NOW_S - 2


def test_a_camera_whose_clock_is_ahead_is_told_by_its_own_clock(told: Told) -> None:
    """As the producer tells it: the lag is the difference of the two."""
    told.reached(NOW_S + 8)
    assert told.shown_s == NOW_S + 8


def test_a_time_that_cannot_be_holds_until_the_next_one_comes(told: Told) -> None:
    told.reached(NOW_S + 10**6)
    told.reached(NOW_S - 2)
    assert told.shown_s == NOW_S - 2


def test_a_forged_time_that_could_be_is_passed_within_a_minute(told: Told) -> None:
    told.reached(NOW_S + 59)
    told.now_s += 62
    told.reached(told.now_s - 2)
    assert told.shown_s == NOW_S + 60


def test_a_machine_whose_own_clock_is_hours_behind_tells_the_times_as_they_come(
    told: Told,
) -> None:
    told.now_s -= 7200
    for captured_s in (NOW_S, NOW_S + 1):
        told.reached(captured_s)
        assert told.shown_s == captured_s
