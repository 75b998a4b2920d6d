from dataclasses import replace

import pytest

from contracts.wall import StreamState
from viewer.states import CALM_S, SURE_S, Signs, StreamStates

BEHIND_AFTER_S, SILENT_AFTER_S = 10.0, 5.0
WELL = Signs(is_connected=True, still_s=0.5, behind_s=2.0, result_age_s=1.0, result_gap_s=1.0)


def states() -> StreamStates:
    return StreamStates(BEHIND_AFTER_S, SILENT_AFTER_S)


@pytest.mark.parametrize(
    ("signs", "state"),
    [
        (WELL, "live"),
        (replace(WELL, is_connected=False), "reconnecting"),
        (replace(WELL, is_connected=False, still_s=60.0, behind_s=60.0), "reconnecting"),
        (replace(WELL, still_s=5.1), "silent"),
        (replace(WELL, still_s=5.1, behind_s=60.0), "silent"),
        (replace(WELL, behind_s=10.1), "behind"),
        (replace(WELL, behind_s=None), "live"),
        (Signs(), "silent"),
    ],
)
def test_a_stream_has_one_state_and_the_camera_comes_first(
    signs: Signs, state: StreamState
) -> None:
    known = states()
    known.state("cam1", signs, 100.0 - SURE_S)
    assert known.state("cam1", signs, 100.0) == state


def test_a_frozen_camera_whose_lag_passes_the_bound_for_a_moment_is_not_behind() -> None:
    """It publishes each 5 s, and its batches close at an age of 5 s: 10 s, and a bit."""
    known = states()
    lags_s = [lag for _ in range(4) for lag in (5.2, 6.2, 7.2, 8.2, 9.2, 10.2, 10.4)]
    told = {known.state("cam1", replace(WELL, behind_s=lag), n) for n, lag in enumerate(lags_s)}
    assert told == {"live"}


def test_without_a_word_of_the_producer_results_tell_that_a_stream_lives() -> None:
    untold = Signs(result_age_s=7.0, result_gap_s=3.0)
    assert states().state("cam1", untold, 0.0) == "live"
    assert states().state("cam1", replace(untold, result_age_s=8.1), 0.0) == "silent"


def test_a_stream_whose_lag_goes_up_and_down_by_a_batch_does_not_flicker() -> None:
    known = states()
    lags_s = (11.0, 12.0, 8.0, 9.0, 11.0, 12.0, 7.0, 9.9)
    told = [
        known.state("cam1", replace(WELL, behind_s=lag), n * SURE_S) for n, lag in enumerate(lags_s)
    ]
    assert told == ["live"] + ["behind"] * 7


def test_a_stream_that_stays_in_time_is_live_again() -> None:
    known = states()
    known.state("cam1", replace(WELL, behind_s=30.0), -SURE_S)
    assert known.state("cam1", replace(WELL, behind_s=30.0), 0.0) == "behind"
    assert known.state("cam1", WELL, CALM_S - 0.1) == "behind"
    assert known.state("cam2", WELL, CALM_S - 0.1) == "live"
    assert known.state("cam1", WELL, CALM_S) == "live"


def test_of_a_stream_that_left_nothing_is_remembered() -> None:
    known = states()
    for now_s in (-SURE_S, 0.0):
        known.state("cam1", replace(WELL, behind_s=30.0), now_s)
    known.forget("cam1")
    known.forget("never-seen")
    assert known.state("cam1", WELL, 1.0) == "live"
