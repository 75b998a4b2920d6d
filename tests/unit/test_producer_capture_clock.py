"""Capture times come from the camera's RTCP where that can be believed, and do not go back."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from producer.capture_clock import MAX_HOLD_NS, TICK_NS, CaptureClock
from producer.frames import SenderReport

MS = 1_000_000
SECOND = 1000 * MS
EPOCH = 1_795_000_000 * SECOND
FRAME = 40 * MS


def reported(clock: CaptureClock, wall_ns: int, pts_ns: int) -> None:
    """Deliver the reports of two packets in a row."""
    clock.learn(SenderReport(wall_ns - FRAME, pts_ns - FRAME))
    clock.learn(SenderReport(wall_ns, pts_ns))


def test_a_frame_is_stamped_with_its_arrival_until_the_camera_reports() -> None:
    assert CaptureClock(SECOND).stamp(0, EPOCH) == (EPOCH, "arrival")


def test_a_report_maps_the_media_clock_to_the_time_of_day() -> None:
    clock = CaptureClock(SECOND)
    reported(clock, wall_ns=EPOCH, pts_ns=7 * SECOND)
    assert clock.stamp(7 * SECOND + FRAME, EPOCH + 90 * MS) == (EPOCH + FRAME, "rtcp")


def test_the_first_report_of_a_session_is_not_used() -> None:
    clock = CaptureClock(SECOND)
    clock.learn(SenderReport(EPOCH, 0))
    assert clock.stamp(FRAME, EPOCH + 90 * MS)[1] == "arrival"


def test_a_frame_without_a_media_time_is_stamped_with_its_arrival() -> None:
    clock = CaptureClock(SECOND)
    reported(clock, wall_ns=EPOCH, pts_ns=0)
    assert clock.stamp(None, EPOCH + 90 * MS) == (EPOCH + 90 * MS, "arrival")


def test_a_camera_whose_clock_is_too_far_off_is_not_believed() -> None:
    clock = CaptureClock(SECOND)
    reported(clock, wall_ns=EPOCH - 3600 * SECOND, pts_ns=0)
    assert clock.stamp(0, EPOCH) == (EPOCH, "arrival")
    assert clock.unbelieved_skew_ns == -3600 * SECOND


def test_a_new_session_forgets_the_media_clock_of_the_last() -> None:
    clock = CaptureClock(SECOND)
    reported(clock, wall_ns=EPOCH, pts_ns=0)
    clock.start_session()
    assert clock.stamp(0, EPOCH) == (EPOCH, "arrival")


def test_times_do_not_go_back_when_the_clock_turns_from_arrival_to_rtcp() -> None:
    clock, latency = CaptureClock(SECOND), 100 * MS
    times = []
    for number in range(20):
        if number == 10:
            reported(clock, wall_ns=EPOCH + number * FRAME, pts_ns=number * FRAME)
        times.append(clock.stamp(number * FRAME, EPOCH + number * FRAME + latency))
    stamps = [stamp for stamp, _ in times]
    assert all(later >= earlier + TICK_NS for earlier, later in pairwise(stamps))
    assert [by for _, by in times] == ["arrival"] * 12 + ["rtcp"] * 8
    assert stamps[-1] == EPOCH + 19 * FRAME


def test_a_clock_that_was_set_back_far_is_followed() -> None:
    clock = CaptureClock(SECOND)
    clock.stamp(None, EPOCH)
    earlier = EPOCH - MAX_HOLD_NS - SECOND
    assert clock.stamp(None, earlier) == (earlier, "arrival")


@settings(deadline=None)
@given(
    st.lists(st.integers(-MAX_HOLD_NS // 4, MAX_HOLD_NS // 4), min_size=1, max_size=60),
    st.integers(-2 * SECOND, 2 * SECOND),
)
def test_steps_of_a_clock_shorter_than_the_hold_never_bring_a_time_back(
    errors_ns: list[int], skew_ns: int
) -> None:
    clock = CaptureClock(SECOND)
    last_ns = 0
    for number, error_ns in enumerate(errors_ns):
        if number == len(errors_ns) // 2:
            reported(clock, EPOCH + number * FRAME + skew_ns, number * FRAME)
        stamp_ns, _ = clock.stamp(number * FRAME, EPOCH + number * FRAME + error_ns)
        assert stamp_ns >= last_ns + TICK_NS or last_ns == 0
        last_ns = stamp_ns
