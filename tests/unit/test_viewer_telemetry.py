from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

import consumer.metrics  # noqa: F401 - their families are in the registry
import postproc.metrics  # noqa: F401
from producer.metrics import ProducerMetrics, StreamMetrics
from viewer.families import (
    CAPTURED,
    CONNECTED,
    COUNTERS,
    DROPPED,
    GAUGES,
    MAX_SAMPLES,
    SAMPLES_A_STREAM,
    Series,
    read_samples,
)
from viewer.history import MAX_STREAMS
from viewer.telemetry import FRESH_S, KEPT_S, Telemetry

CAM1 = Series(CAPTURED, "cam1")
WINDOW_S = 10.0


def told(telemetry: Telemetry, at_s: float, **counts: float) -> None:
    """Let processes tell their count of captured frames of cam1, and close the round."""
    for process, count in counts.items():
        telemetry.take(process, {CAM1: count}, at_s)
    telemetry.close_round(at_s)


def captured_fps(telemetry: Telemetry) -> float | None:
    return telemetry.rate(CAPTURED, "cam1", WINDOW_S)


def test_a_rate_needs_two_rounds() -> None:
    telemetry = Telemetry()
    assert captured_fps(telemetry) is None
    told(telemetry, 0, a=1000)
    assert captured_fps(telemetry) is None
    told(telemetry, 2, a=1050)
    assert captured_fps(telemetry) == 25


def test_a_rate_is_that_of_its_window_only() -> None:
    telemetry = Telemetry()
    for at_s in range(0, 60, 2):
        told(telemetry, at_s, a=min(at_s, 40) * 25)
    assert captured_fps(telemetry) == 0
    assert telemetry.rate(CAPTURED, "cam1", 30) == pytest.approx(25 * 12 / 30)


def test_a_counter_that_starts_anew_lost_nothing_and_jumps_nowhere() -> None:
    telemetry = Telemetry()
    told(telemetry, 0, a=90_000)
    told(telemetry, 2, a=90_050)
    told(telemetry, 4, a=50)
    assert captured_fps(telemetry) == 25


def test_a_stream_that_moves_to_another_process_keeps_its_rate() -> None:
    telemetry = Telemetry()
    told(telemetry, 0, a=500, b=7_000_000)
    told(telemetry, 2, a=550, b=7_000_000)
    told(telemetry, 4, a=550, b=7_000_050)
    assert captured_fps(telemetry) == 25
    told(telemetry, 6, b=7_000_100)
    assert captured_fps(telemetry) == 25


def test_a_process_that_is_heard_for_the_first_time_counted_before_us() -> None:
    telemetry = Telemetry()
    told(telemetry, 0, a=50)
    told(telemetry, 2, a=100, b=1_000_000)
    assert captured_fps(telemetry) == 25


def test_a_stream_that_is_new_in_a_known_process_began_at_zero() -> None:
    telemetry = Telemetry()
    telemetry.take("a", {Series(CAPTURED, "cam2"): 1}, 0)
    telemetry.close_round(0)
    told(telemetry, 2, a=0)
    told(telemetry, 4, a=50)
    assert captured_fps(telemetry) == 25


def test_a_round_that_a_process_missed_changes_no_rate() -> None:
    telemetry = Telemetry()
    told(telemetry, 0, a=0)
    told(telemetry, 2, a=50)
    told(telemetry, 4)
    told(telemetry, 6, a=150)
    assert captured_fps(telemetry) == 25


def test_of_a_process_that_is_gone_nothing_is_told() -> None:
    telemetry = Telemetry()
    told(telemetry, 0, a=0)
    told(telemetry, 2, a=50)
    told(telemetry, 2 + FRESH_S + 1)
    assert captured_fps(telemetry) is None
    assert telemetry.total(CAPTURED, "cam1") is None
    assert telemetry.total_of_all(CAPTURED) is None
    assert telemetry.still_s(CAPTURED, "cam1", 20) is None
    assert telemetry.streams == frozenset()
    told(telemetry, 2 + KEPT_S + 1)
    assert telemetry._points == {}


def test_times_are_the_newest_and_counts_are_summed() -> None:
    telemetry = Telemetry()
    telemetry.take("old", {Series(CONNECTED, "cam1"): 0, Series(DROPPED, "cam1", "paced"): 3}, 0)
    telemetry.take("new", {Series(CONNECTED, "cam1"): 1, Series(DROPPED, "cam1", "paced"): 4}, 0)
    telemetry.take("new2", {Series(DROPPED, "cam1", "frozen"): 0}, 0)
    telemetry.close_round(0)
    assert telemetry.newest(CONNECTED, "cam1") == 1
    assert telemetry.by_reason(DROPPED, "cam1") == {"paced": 7}
    assert telemetry.by_reason(DROPPED, "cam2") == {}


def test_a_counter_knows_since_when_it_stands_still() -> None:
    telemetry = Telemetry()
    told(telemetry, 0, a=10)
    told(telemetry, 2, a=20)
    told(telemetry, 4, a=20)
    told(telemetry, 6, a=20)
    assert telemetry.still_s(CAPTURED, "cam1", 7) == 4


def test_a_producer_that_is_not_heard_for_a_moment_makes_no_camera_silent() -> None:
    telemetry = Telemetry()
    told(telemetry, 0, a=10)
    told(telemetry, 2, a=20)
    telemetry.close_round(8)
    assert telemetry.still_s(CAPTURED, "cam1", 8) == 0


def test_a_counter_that_restarts_has_grown() -> None:
    telemetry = Telemetry()
    told(telemetry, 2, a=20)
    told(telemetry, 6, a=20)
    told(telemetry, 8, a=5)
    assert telemetry.still_s(CAPTURED, "cam1", 8) == 0


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(0, 100), st.booleans())),
        max_size=30,
    )
)
def test_whatever_restarts_and_vanishes_every_frame_counts_once(
    rounds: list[Mapping[str, tuple[int, bool]]],
) -> None:
    telemetry, counts, expected = Telemetry(), dict.fromkeys("abc", 0), 0
    told(telemetry, -2, **counts)
    for number, steps in enumerate(rounds):
        for process, (frames, restarts) in steps.items():
            # A restart that nobody can see from the count is one that has caught up already.
            is_seen = restarts and frames < counts[process]
            counts[process] = frames if is_seen else counts[process] + frames
            expected += frames
        told(telemetry, 2 * number, **{process: counts[process] for process in steps})
    assert telemetry._grown[CAM1] == expected


def producer_text() -> str:
    registry = CollectorRegistry()
    stream = StreamMetrics(ProducerMetrics(registry), "cam1")
    stream.captured.inc(7)
    stream.dropped["paced"].inc(2)
    stream.connected.set(1)
    stream.decode_seconds.observe(0.01)
    return generate_latest(registry).decode()


def test_what_a_producer_tells_is_read() -> None:
    samples = read_samples(producer_text())
    assert samples[CAM1] == 7
    assert samples[Series(DROPPED, "cam1", "paced")] == 2
    assert samples[Series(CONNECTED, "cam1")] == 1
    assert not [series for series in samples if "decode" in series.family]


def test_every_family_that_is_read_is_one_that_a_service_tells() -> None:
    registry = CollectorRegistry()
    ProducerMetrics(registry)
    described = [*registry.collect(), *REGISTRY.collect()]
    names = {metric.name + ("_total" if metric.type == "counter" else "") for metric in described}
    assert sorted((COUNTERS | GAUGES) - names) == []


def test_numbers_and_names_that_can_be_none_are_left_out() -> None:
    text = "\n".join(
        [
            f'{CAPTURED}{{stream="../x"}} 1',
            f'{CAPTURED}{{stream="cam1"}} NaN',
            f'{DROPPED}{{stream="cam1",reason="<b>"}} 1',
            f'{CAPTURED}{{stream="cam2"}} 5',
            'other_total{stream="cam2"} 5',
        ]
    )
    assert read_samples(text) == {Series(CAPTURED, "cam2"): 5}


def test_more_samples_than_any_service_tells_are_not_read() -> None:
    lines = (f'{CAPTURED}{{stream="s{number}"}} 1' for number in range(MAX_SAMPLES + 1))
    with pytest.raises(ValueError, match=f"{MAX_SAMPLES + 1} samples"):
        read_samples("\n".join(lines))


def test_a_producer_of_as_many_streams_as_are_shown_is_read_and_not_many_more() -> None:
    samples = len(read_samples(producer_text()))
    assert samples <= SAMPLES_A_STREAM <= 1.5 * samples
    assert MAX_SAMPLES == MAX_STREAMS * SAMPLES_A_STREAM


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for given_text in (text, f"{CAPTURED}{{{text}", f"{CAPTURED} {text}"):
        try:
            read_samples(given_text)
        except ValueError:
            continue
