"""Streams are thinned where their reader is slower than their cameras, evenly, and only there."""

from dataclasses import dataclass, field

import pytest

from producer.load import Backlog, LoadGovernor, LoadPacer, shared_fps
from tests.unit.producer_fakes import SECOND_NS

MAX_LAG_S = 10.0


@dataclass
class Camera:
    """One stream: when each of its published frames was captured, and how far it is committed."""

    fps: float
    pacer: LoadPacer
    published_s: list[float] = field(default_factory=list)
    dropped: int = 0
    read: float = 0
    committed: int = 0

    def film(self, from_s: float) -> None:
        for number in range(round(self.fps)):
            at_s = from_s + number / self.fps
            if self.pacer.admits(round(at_s * SECOND_NS)):
                self.published_s.append(at_s)
            else:
                self.dropped += 1

    def lag_s(self, now_s: float) -> float:
        waits = self.committed < len(self.published_s)
        return now_s - self.published_s[self.committed] if waits else 0.0


class Simulation:
    """Cameras, and a reader of `reader_fps` that works through them in turn, second by second.

    It commits batches of 25 that are full, and after five seconds those that are not.
    """

    def __init__(self, reader_fps: float, cameras_fps: tuple[float, ...] = (25,)) -> None:
        self.governor = LoadGovernor(MAX_LAG_S)
        self.reader_fps = reader_fps
        self.cameras = [Camera(fps, LoadPacer(self.governor)) for fps in cameras_fps]
        self.now_s = 1000.0

    @property
    def dropped(self) -> int:
        return sum(camera.dropped for camera in self.cameras)

    def run(self, seconds: int) -> list[float]:
        """Return the greatest lag of any stream, for each second."""
        lags = []
        for second in range(seconds):
            for camera in self.cameras:
                camera.film(self.now_s)
            self._read(second)
            self.now_s += 1
            looks = {
                f"cam{number}": Backlog(len(camera.published_s), camera.committed)
                for number, camera in enumerate(self.cameras)
            }
            self.governor.look(self.now_s, looks)
            lags.append(max(camera.lag_s(self.now_s) for camera in self.cameras))
        return lags

    def _read(self, second: int) -> None:
        left = self.reader_fps
        behind = sorted(self.cameras, key=lambda camera: -camera.lag_s(self.now_s))
        for camera in behind:
            taken = min(left, len(camera.published_s) - camera.read)
            camera.read += taken
            left -= taken
            whole = int(camera.read) if second % 5 == 4 else int(camera.read) // 25 * 25
            camera.committed = max(camera.committed, whole)


def test_a_reader_that_keeps_up_costs_no_frame() -> None:
    simulation = Simulation(reader_fps=26)
    assert max(simulation.run(600)) < 6
    assert simulation.dropped == 0


def test_many_slow_cameras_whose_batches_fill_seldom_cost_no_frame() -> None:
    simulation = Simulation(reader_fps=50, cameras_fps=(1,) * 40)
    simulation.run(600)
    assert simulation.dropped == 0


@pytest.mark.parametrize("cameras_fps", [(25,), (10,) * 24, (25, 25, 5, 1)])
def test_a_reader_half_as_fast_as_the_cameras_stays_near_live(
    cameras_fps: tuple[float, ...],
) -> None:
    half_fps = sum(cameras_fps) / 2
    simulation = Simulation(half_fps, cameras_fps)
    lags = simulation.run(1200)
    assert max(lags) < 3 * MAX_LAG_S
    assert sum(lags[600:]) / len(lags[600:]) < 1.5 * MAX_LAG_S
    published = sum(len(camera.published_s) for camera in simulation.cameras)
    assert published > 0.85 * half_fps * 1200  # the reader is kept busy


def test_the_fastest_cameras_give_first() -> None:
    simulation = Simulation(reader_fps=25, cameras_fps=(25, 25, 2))
    simulation.run(900)
    first, second, slow = simulation.cameras
    assert slow.dropped < 0.1 * 2 * 900
    assert abs(first.dropped - second.dropped) < 0.05 * first.dropped


def test_all_frames_are_published_again_within_seconds_of_the_end_of_an_overload() -> None:
    simulation = Simulation(reader_fps=12)
    simulation.run(600)
    simulation.reader_fps = 60
    simulation.run(25)
    before = simulation.dropped
    simulation.run(300)
    assert simulation.dropped == before
    assert simulation.governor.max_fps is None


def test_a_reader_that_is_away_costs_no_frame() -> None:
    simulation = Simulation(reader_fps=60)
    simulation.run(60)
    simulation.reader_fps = 0
    assert simulation.run(300)[-1] > 295
    assert simulation.dropped == 0


def test_a_reader_that_goes_away_in_an_overload_costs_no_more_frames() -> None:
    simulation = Simulation(reader_fps=12)
    simulation.run(600)
    simulation.reader_fps = 0
    simulation.run(12)
    before = simulation.dropped
    simulation.run(600)
    assert simulation.dropped == before


def test_a_group_that_is_set_back_is_judged_anew() -> None:
    governor = LoadGovernor(MAX_LAG_S)
    for second, committed in enumerate((50, 100, 50, 75, 100, 125, 150, 175, 200)):
        governor.look(second, {"cam1": Backlog(100 + 25 * second, committed)})
    assert governor.max_fps is None


def test_a_stream_that_begins_later_is_judged_with_the_others() -> None:
    governor = LoadGovernor(MAX_LAG_S)
    for second in range(60):
        streams = {"cam1": Backlog(100 * second, 10 * second)}
        if second > 20:
            streams["cam2"] = Backlog(100 * second, 10 * second)
        governor.look(second, streams)
    assert governor.max_fps is not None
    assert governor.max_fps < 10


def test_a_reader_that_catches_up_after_an_outage_costs_no_frame() -> None:
    simulation = Simulation(reader_fps=60)
    simulation.run(60)
    simulation.reader_fps = 0
    simulation.run(300)
    simulation.reader_fps = 50
    assert simulation.run(320)[-1] < 6
    assert simulation.dropped == 0


@pytest.mark.parametrize(
    ("rates_fps", "total_fps", "expected_fps"),
    [
        ([10], 5, 5),
        ([10, 10], 10, 5),
        ([1, 10, 10], 11, 5),
        ([25, 1, 2], 13, 10),
        ([1, 1], 10, 240),
    ],
)
def test_the_limit_shares_what_there_is(
    rates_fps: list[float], total_fps: float, expected_fps: float
) -> None:
    assert shared_fps(rates_fps, total_fps) == pytest.approx(expected_fps)
