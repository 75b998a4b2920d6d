"""What counts as the newest capture time that a point of the pipeline has seen."""

import pytest
from prometheus_client import CollectorRegistry, Gauge

from runtime.metrics import NewestCapture

NOW_S = 1_700_000_000.0


class Told:
    def __init__(self) -> None:
        self.passed_s = 0.0
        self.registry = CollectorRegistry()
        gauge = Gauge("at_seconds", "Newest.", ["stream"], registry=self.registry)
        self.newest = NewestCapture(gauge, lambda: NOW_S + self.passed_s)

    def reached(self, before_s: float, stream: str = "cam1") -> None:
        self.newest.reached(stream, int((NOW_S - before_s) * 1e9))

    def before_s(self, stream: str = "cam1") -> float | None:
        value = self.registry.get_sample_value("at_seconds", {"stream": stream})
        return None if value is None else NOW_S - value


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_frame_that_was_put_back_does_not_turn_the_time_back(told: Told) -> None:
    told.reached(3.0)
    told.reached(7200.0)
    assert told.before_s() == pytest.approx(3.0)


def test_results_that_end_out_of_order_tell_the_newest_of_them(told: Told) -> None:
    for before_s in (9.0, 4.0, 6.0):
        told.reached(before_s)
    assert told.before_s() == pytest.approx(4.0)


def test_a_time_that_lies_ahead_counts_as_now(told: Told) -> None:
    told.reached(-86_400.0)
    assert told.before_s() == 0.0


def test_a_camera_whose_clock_is_ahead_is_told_by_it_as_the_producer_tells_it(told: Told) -> None:
    told.reached(-8.0)
    assert told.before_s() == pytest.approx(-8.0)


def test_a_wrong_time_that_might_be_a_cameras_is_passed_within_a_minute_or_so(told: Told) -> None:
    told.reached(-59.0)
    told.passed_s = 65.0
    told.reached(-62.0)
    assert told.before_s() == pytest.approx(-62.0)


def test_streams_are_told_apart(told: Told) -> None:
    told.reached(3.0)
    told.reached(8.0, "cam2")
    assert told.before_s("cam2") == pytest.approx(8.0)
    assert told.before_s("cam3") is None
