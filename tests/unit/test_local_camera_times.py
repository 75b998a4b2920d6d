"""The timeline of a looping file, and URLs that may be shown."""

from fractions import Fraction

import pytest

from local.camera import CLIP, redacted
from local.timeline import Timeline

VIDEO, AUDIO = 0, 1
MS = Fraction(1, 1000)


def test_the_clip_that_a_camera_plays_by_default_is_there() -> None:
    assert CLIP.is_file()


def test_the_first_pass_keeps_its_times() -> None:
    assert Timeline().place(VIDEO, MS, pts=80, dts=0, duration=40) == (80, 0)


def test_a_pass_begins_where_the_longest_stream_of_the_pass_before_ended() -> None:
    timeline = Timeline()
    timeline.place(VIDEO, MS, pts=960, dts=960, duration=40)
    timeline.place(AUDIO, Fraction(1, 16_000), pts=15_360, dts=15_360, duration=1024)
    timeline.begin_next_pass()
    assert timeline.place(VIDEO, MS, pts=0, dts=0, duration=40) == (1024, 1024)


def test_times_in_order_of_b_frames_stay_in_order_across_passes() -> None:
    timeline = Timeline()
    packets = [(0, -80), (120, -40), (40, 0), (80, 40)]  # (pts, dts) as an encoder writes them
    placed: list[tuple[int, int]] = []
    for _ in range(3):
        placed += [timeline.place(VIDEO, MS, pts, dts, 40) for pts, dts in packets]
        timeline.begin_next_pass()
    decoding = [dts for _, dts in placed]
    assert decoding == sorted(set(decoding))
    assert all(pts >= dts for pts, dts in placed)
    assert sorted(pts for pts, _ in placed) == list(range(0, 480, 40))


def test_a_file_whose_own_times_stand_still_is_moved_on_by_single_ticks() -> None:
    timeline = Timeline()
    assert [timeline.place(VIDEO, MS, 10, 10, 0) for _ in range(3)] == [
        (10, 10),
        (11, 11),
        (12, 12),
    ]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://host:554/cam", "rtsp://host:554/cam"),
        ("rtsp://user:hush@host:554/cam", "rtsp://***@host:554/cam"),
        ("rtsp://user:h@sh@host/cam?x=1", "rtsp://***@host/cam?x=1"),
    ],
)
def test_a_url_is_shown_without_its_credentials(url: str, shown: str) -> None:
    assert redacted(url) == shown
