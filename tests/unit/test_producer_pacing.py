"""A stream is thinned evenly to its rate, whatever the camera's rate and jitter."""

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producer.pacing import Pacer

SECOND_NS = 1_000_000_000


def admitted(pacer: Pacer, times_ns: list[int]) -> list[int]:
    return [time_ns for time_ns in times_ns if pacer.admits(time_ns)]


def camera(fps: float, seconds: float, start_ns: int = 0) -> list[int]:
    return [start_ns + round(n * SECOND_NS / fps) for n in range(round(fps * seconds))]


def test_without_a_limit_every_frame_is_admitted() -> None:
    assert len(admitted(Pacer(None), camera(fps=25, seconds=2))) == 50


@pytest.mark.parametrize(("fps", "max_fps"), [(25, 10), (30, 25), (15, 4), (29.97, 1), (10, 0.5)])
def test_the_rate_is_met_on_average_and_not_undercut(fps: float, max_fps: float) -> None:
    kept = admitted(Pacer(max_fps), camera(fps, seconds=60))
    assert len(kept) == pytest.approx(60 * max_fps, abs=1)


def test_a_camera_of_exactly_the_rate_loses_no_frame_to_its_jitter() -> None:
    times_ns = [time_ns + (-1) ** n * 9_000_000 for n, time_ns in enumerate(camera(10, 20))]
    assert len(admitted(Pacer(10), times_ns)) == len(times_ns)


def test_a_slower_camera_loses_no_frame() -> None:
    assert len(admitted(Pacer(10), camera(fps=8, seconds=10))) == 80


def test_frames_go_on_when_the_media_clock_jumps_back() -> None:
    pacer = Pacer(10)
    admitted(pacer, camera(fps=10, seconds=5, start_ns=1000 * SECOND_NS))
    assert len(admitted(pacer, camera(fps=10, seconds=5))) == 50


@settings(deadline=None)
@given(
    st.floats(0.1, 120),
    st.lists(st.integers(0, 2 * SECOND_NS), min_size=1, max_size=200),
)
def test_no_span_of_time_holds_more_frames_than_the_rate_allows(
    max_fps: float, gaps_ns: list[int]
) -> None:
    kept = admitted(Pacer(max_fps), list(accumulate(gaps_ns)))
    for first, start_ns in enumerate(kept):
        for last in range(first, len(kept)):
            span_s = (kept[last] - start_ns) / SECOND_NS
            assert last - first + 1 <= span_s * max_fps + 2 + 1e-6  # times are whole ns
