"""Figures become a verdict: what is worth telling, and what to do about it."""

from typing import Any, get_args

import pytest
from msgspec.structs import replace

from producer.camera_faults import CameraFault, FaultKind
from producer.diagnosis.advice import problem, warnings
from producer.diagnosis.remedies import finding_of
from tests.unit.diagnosis_sightings import HD, HEALTHY, figures, video


def test_a_healthy_camera_has_no_problem_and_no_warning() -> None:
    assert problem(HEALTHY) is None
    assert warnings(HD, HEALTHY) == ()


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"frames": 0, "packets": 0}, "no-frames", "no frame came within 10 s"),
        ({"frames": 0, "packets": 240}, "no-keyframe", "240 packets"),
        ({"corrupt": 51}, "corrupt", "51 of 100 frames are corrupt"),
        ({"frozen": 51}, "frozen", "51 of 100 frames repeat one picture"),
        ({"corrupt": 20, "frozen": 40}, "frozen", "40 of 100"),
        ({"corrupt": 51, "frozen": 49}, "corrupt", "51 of 100"),
    ],
)
def test_video_that_cannot_be_relied_on_is_a_problem(
    changes: dict[str, Any], code: str, said: str
) -> None:
    found = problem(figures(**changes))
    assert found is not None
    assert found.code == code
    assert said in found.said
    assert found.next_step


@pytest.mark.parametrize(
    "changes", [{"corrupt": 50}, {"frozen": 50}, {"corrupt": 25, "frozen": 25}]
)
def test_half_of_the_frames_is_still_enough(changes: dict[str, Any]) -> None:
    assert problem(figures(**changes)) is None


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"corrupt": 1}, "some-corrupt", "1 of 100"),
        ({"frozen": 50}, "some-frozen", "50 of 100"),
        ({"repeated": 80}, "mostly-repeats", "80 of 100"),
        ({"repeated": 80, "frozen": 40}, "some-frozen", "40 of 100"),
        ({"media_pace": 0.8}, "slower-than-live", "0.80 s of video"),
        ({"decode_load": 0.9}, "hard-to-decode", "90 %"),
        ({"skipped": 7}, "hard-to-decode", "7 frames were skipped"),
        ({"keyframe_interval_s": 10.0}, "long-keyframe-interval", "up to 10 s pass"),
        (
            {"keyframe_interval_s": 9.0, "is_keyframe_interval_open": True},
            "long-keyframe-interval",
            "at least 9 s",
        ),
        ({"jitter_ms": 150.0}, "uneven", "150 ms"),
        ({"fps": 6.0}, "other-rate", "declares 10 frames/s, and 6 came"),
        ({"is_variable_rate": True}, "variable-rate", "varies"),
        ({"has_b_frames": True}, "b-frames", "B-frames"),
        ({"clock_skew_ms": 2500}, "clock-skewed", "2.5 s ahead of"),
        ({"clock_skew_ms": -3600_000, "clock": "arrival"}, "clock-skewed", "stamped when they"),
        (
            {"clock_skew_ms": None, "clock": "arrival", "watched_s": 30.0},
            "no-wall-time",
            "no RTCP wall time",
        ),
    ],
)
def test_each_oddity_is_warned_of_alone(changes: dict[str, Any], code: str, said: str) -> None:
    (found,) = warnings(HD, figures(**changes))
    assert found.code == code
    assert said in found.said
    assert found.next_step


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"size_wh": (4000, 3000)}, "large"),
        ({"colour_range": "full"}, "full-range"),
        ({"declared_fps": 25.0}, "other-rate"),
    ],
)
def test_what_the_stream_says_of_itself_is_judged_too(changes: dict[str, Any], code: str) -> None:
    (found,) = warnings(video(**changes), HEALTHY)
    assert found.code == code


@pytest.mark.parametrize(
    "changes",
    [
        {"keyframe_interval_s": 4.0},
        {"repeated": 50},
        {"jitter_ms": 100.0},
        {"fps": 9.1},
        {"clock_skew_ms": -1000},
        {"media_pace": 0.9},
        {"decode_load": 0.7},
        {"fps": None, "jitter_ms": None, "media_pace": None, "decode_load": None},
        {"clock_skew_ms": None, "clock": "arrival"},
    ],
)
def test_what_is_just_within_its_bound_is_not_warned_of(changes: dict[str, Any]) -> None:
    assert warnings(HD, figures(**changes)) == ()


def test_4k_is_not_too_large_and_an_undeclared_rate_is_no_other_rate() -> None:
    assert warnings(video(size_wh=(3840, 2160), declared_fps=None), HEALTHY) == ()


def test_a_camera_that_is_mostly_corrupt_is_not_warned_of_it_as_well() -> None:
    assert warnings(HD, figures(corrupt=80)) == ()


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_every_fault_has_something_to_do_next(kind: FaultKind) -> None:
    found = finding_of(CameraFault("the reason", kind=kind), has_user=True)
    assert (found.code, found.said) == (kind, "the reason")
    assert len(found.next_step) > 20


def test_who_gave_no_user_is_told_how_to_give_one_and_not_to_check_it() -> None:
    refused = CameraFault("401", kind="unauthorized")
    without, given = finding_of(refused, has_user=False), finding_of(refused, has_user=True)
    assert "asks for a user and password" in without.next_step
    assert "check user and password" in given.next_step
    assert replace(without, next_step="") == replace(given, next_step="")
