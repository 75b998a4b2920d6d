"""What was seen of a camera becomes figures that a person can check by hand."""

from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producer.diagnosis.measurements import (
    SeenFrame,
    SeenPacket,
    Sightings,
    frozen_frames,
    keyframe_interval,
    measured,
)
from tests.unit.diagnosis_sightings import BEGUN_S, PACKET_BYTES, seen_at, steady


def frames_of(repeats: str, fps: float = 10) -> list[SeenFrame]:
    """Return a frame a letter: `=` repeats the picture before it."""
    return [
        SeenFrame(n / fps, n / fps, is_repeat=letter == "=") for n, letter in enumerate(repeats)
    ]


def packets_of(kinds: str, fps: float = 10) -> list[SeenPacket]:
    """Return a packet a letter: `K` is a key frame."""
    return [SeenPacket(n / fps, 1, letter == "K", n / fps) for n, letter in enumerate(kinds)]


def test_a_steady_camera_is_measured_as_it_is() -> None:
    figures = measured(seen_at(steady(25, 10)), frozen_after_s=5)
    assert figures.fps == 25
    assert figures.jitter_ms == pytest.approx(0, abs=0.1)
    assert figures.longest_gap_ms == 40
    assert figures.media_pace == 1
    assert figures.bit_rate_bps == 25 * PACKET_BYTES * 8
    assert (figures.packets, figures.frames, figures.keyframes) == (251, 251, 11)
    assert (figures.keyframe_interval_frames, figures.keyframe_interval_s) == (25, 1.0)
    assert not figures.is_keyframe_interval_open
    assert not figures.is_variable_rate
    assert not figures.has_b_frames
    assert (figures.watched_s, figures.first_frame_s) == (10, 0)


def test_the_burst_of_frames_that_opening_collected_does_not_raise_the_rate() -> None:
    live_s = steady(10, 10)
    arrivals_s = [max(at_s, 0.9) for at_s in live_s]
    figures = measured(seen_at(arrivals_s, live_s), frozen_after_s=5)
    assert figures.fps == 10
    assert figures.jitter_ms == pytest.approx(0, abs=0.1)
    assert figures.bit_rate_bps == 10 * PACKET_BYTES * 8


@given(st.lists(st.floats(0, 0.03), min_size=50, max_size=200))
def test_jitter_is_no_larger_than_the_delays_that_make_it(delays_s: list[float]) -> None:
    captured_s = [number / 10 for number in range(len(delays_s))]
    arrivals_s = [at_s + late_s for at_s, late_s in zip(captured_s, delays_s, strict=True)]
    figures = measured(seen_at(arrivals_s, captured_s), frozen_after_s=5)
    assert figures.jitter_ms is not None
    assert figures.jitter_ms <= 30.1


def test_a_frame_in_ten_that_comes_late_shows_as_jitter() -> None:
    captured_s = steady(10, 20)
    arrivals_s = [at_s + 0.06 * (n % 10 == 0) for n, at_s in enumerate(captured_s)]
    assert measured(seen_at(arrivals_s, captured_s), 5).jitter_ms == pytest.approx(60, abs=1)


def test_video_that_arrives_at_half_its_speed_has_half_the_pace() -> None:
    captured_s = steady(20, 5)
    figures = measured(seen_at([2 * at_s for at_s in captured_s], captured_s), 5)
    assert figures.media_pace == 0.5
    assert figures.fps == 10


def test_a_media_clock_that_is_set_anew_spoils_no_figure() -> None:
    captured_s = [at_s + (86_400 if at_s > 5 else 0) for at_s in steady(25, 10)]
    figures = measured(seen_at(steady(25, 10), captured_s), 5)
    assert (figures.fps, figures.media_pace) == (25, 1)
    assert figures.keyframe_interval_s == pytest.approx(1, abs=0.05)
    assert not figures.is_variable_rate


def test_a_rate_that_follows_the_light_is_variable_and_a_coarse_clock_is_not() -> None:
    swinging_s = list(accumulate([0.04, 0.08] * 60))
    assert measured(seen_at(swinging_s), 5).is_variable_rate
    coarse_s = [round(at_s, 2) for at_s in steady(30, 10)]
    assert not measured(seen_at(coarse_s), 5).is_variable_rate


def test_frames_shown_in_another_order_than_sent_are_b_frames() -> None:
    order = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8]
    reordered = seen_at(steady(10, 0.9), [n / 10 for n in order])
    assert measured(reordered, 5).has_b_frames
    assert not measured(seen_at(steady(10, 0.9)), 5).has_b_frames


@pytest.mark.parametrize(
    ("kinds", "frames", "is_open"),
    [
        ("KpppKpppK", 4, False),
        ("ppKpppKpp", 4, False),
        ("KpKpppppK", 6, False),
        ("ppppppKpK", 6, True),
        ("KpKpppppp", 6, True),
        ("ppppppppp", 8, True),
        ("KKKKKKKKK", 1, False),
    ],
)
def test_the_longest_way_between_key_frames_counts_even_where_an_end_cuts_it(
    kinds: str, frames: int, is_open: bool
) -> None:
    interval = keyframe_interval(packets_of(kinds))
    assert interval is not None
    assert (interval.frames, interval.is_open) == (frames, is_open)
    assert interval.seconds == pytest.approx(frames / 10)


def test_key_frames_that_came_in_a_burst_are_told_apart_by_their_own_time() -> None:
    packets = [replace(packet, arrival_s=0.0) for packet in packets_of("KpppKpppK")]
    interval = keyframe_interval(packets)
    assert interval is not None
    assert interval.seconds == pytest.approx(0.4)


def test_a_first_key_frame_without_a_time_does_not_shorten_the_interval() -> None:
    first, *others = packets_of("KpppKpppK")
    untimed = replace(first, arrival_s=0.3, media_s=None)
    interval = keyframe_interval([untimed, *others])
    assert interval is not None
    assert interval.seconds == pytest.approx(0.4)


def test_only_a_picture_that_stays_for_long_enough_is_frozen() -> None:
    assert frozen_frames(frames_of("." + "=" * 60), 5) == 60
    assert frozen_frames(frames_of("." + "=" * 40), 5) == 0
    assert frozen_frames(frames_of(("." + "=" * 40) * 3), 5) == 0
    assert frozen_frames(frames_of("." * 30 + "=" * 60 + "." * 30), 5) == 60
    assert frozen_frames([], 5) == 0


def test_corrupt_and_skipped_frames_are_counted() -> None:
    seen = seen_at(steady(10, 2))
    seen.frames[3:6] = [replace(frame, is_corrupt=True) for frame in seen.frames[3:6]]
    seen.packets[7] = replace(seen.packets[7], is_skipped=True)
    figures = measured(seen, 5)
    assert (figures.corrupt, figures.skipped) == (3, 1)


def test_the_load_of_decoding_is_its_part_of_the_time() -> None:
    seen = seen_at(steady(10, 10))
    seen.decode_s = 2.5
    assert measured(seen, 5).decode_load == 0.25


def test_of_a_camera_that_sent_nothing_nothing_is_measured() -> None:
    figures = measured(Sightings(BEGUN_S, BEGUN_S + 10), 5)
    assert (figures.packets, figures.frames, figures.watched_s) == (0, 0, 10)
    measures = (
        figures.fps,
        figures.media_pace,
        figures.jitter_ms,
        figures.longest_gap_ms,
        figures.keyframe_interval_frames,
        figures.bit_rate_bps,
        figures.decode_load,
        figures.clock_skew_ms,
        figures.first_frame_s,
    )
    assert set(measures) == {None}


def test_one_frame_alone_has_no_rate() -> None:
    figures = measured(seen_at([0.0]), 5)
    assert (figures.frames, figures.fps, figures.bit_rate_bps, figures.jitter_ms) == (
        1,
        None,
        None,
        None,
    )


def test_frames_without_a_time_of_their_own_still_have_a_rate() -> None:
    seen = seen_at(steady(10, 10))
    seen.frames = [replace(frame, media_s=None) for frame in seen.frames]
    seen.packets = [replace(packet, media_s=None) for packet in seen.packets]
    figures = measured(seen, 5)
    assert (figures.fps, figures.jitter_ms, figures.media_pace) == (10, None, None)
    assert figures.keyframe_interval_frames == 25
