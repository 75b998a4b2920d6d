"""Packets that come later and later are told from a burst, a slow clock and a new clock."""

from producer.live_edge import LiveEdge

SECOND = 1_000_000_000
FRAME = SECOND // 25


class Wire:
    """Delivers packets of 25 frames/s at any pace."""

    def __init__(self) -> None:
        self.now_ns = 50 * SECOND
        self.media_ns = 0
        self.edge = LiveEdge(lambda: self.now_ns)

    def deliver(self, packets: int, every_ns: int, media_step_ns: int = FRAME) -> list[bool]:
        found = []
        for _ in range(packets):
            self.now_ns += every_ns
            self.media_ns += media_step_ns
            found.append(self.edge.is_behind(self.media_ns))
        return found


def test_packets_in_time_are_not_behind() -> None:
    assert not any(Wire().deliver(10_000, FRAME))


def test_a_reader_at_half_the_pace_is_behind_after_seconds_and_stays_so() -> None:
    found = Wire().deliver(1000, 2 * FRAME)
    first = found.index(True)
    assert 2 <= first * 2 / 25 <= 6
    assert all(found[first:])


def test_an_overload_of_an_hour_is_still_one() -> None:
    wire = Wire()
    wire.deliver(25, FRAME)
    wire.deliver(200, 2 * FRAME)
    assert all(wire.deliver(25 * 3600, FRAME))


def test_once_the_late_packets_are_skipped_it_is_over() -> None:
    wire = Wire()
    wire.deliver(200, 2 * FRAME)
    assert wire.deliver(300, FRAME // 10)[-1] is False
    assert not any(wire.deliver(1000, FRAME))


def test_what_a_stalled_network_held_back_is_not_skipped() -> None:
    wire = Wire()
    wire.deliver(250, FRAME)
    wire.now_ns += 5 * SECOND
    assert not any(wire.deliver(125, FRAME // 20))
    assert not any(wire.deliver(250, FRAME))


def test_a_camera_whose_clock_is_slow_is_not_behind() -> None:
    drift = round(FRAME * 0.9997)
    assert not any(Wire().deliver(25 * 3600, FRAME, drift))


def test_a_media_clock_that_is_set_anew_is_followed() -> None:
    wire = Wire()
    wire.deliver(250, FRAME)
    wire.media_ns -= 7200 * SECOND
    assert not any(wire.deliver(250, FRAME))
    wire.media_ns += 7200 * SECOND
    assert not any(wire.deliver(250, FRAME))


def test_packets_without_a_time_are_not_judged() -> None:
    assert not LiveEdge(lambda: 0).is_behind(None)
