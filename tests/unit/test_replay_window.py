"""Which frames a replay reads, and what it says where there are none."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.replaying.window import (
    Moment,
    Offset,
    UnknownStream,
    WindowEmpty,
    WindowExpired,
    find_window,
    iso_utc,
    streams_among,
)
from contracts.errors import InvalidRecord
from contracts.names import frames_topic, replay_topic, results_topic
from contracts.replays import min_confidence_of, replay_headers
from ops.moments import epoch_ms, moment_of
from ops.progress import time_left_s
from ops.replay.moments import default_name, edge
from runtime.errors import ConfigurationError
from tests.unit.replay_fakes import FakeLog, captured_ns, record

NOW = datetime(2026, 11, 22, 10, 15, tzinfo=UTC)
INDIA = timezone(timedelta(hours=5, minutes=30))


def moment(offset: int, after_ms: int = 0) -> Moment:
    return Moment(captured_ns(offset) // 1_000_000 + after_ms)


def held(first: int = 20, end: int = 60) -> FakeLog:
    """A log of which the frames before `first` have expired."""
    return FakeLog([record(at) for at in range(first, end)], {"results", "frames.cam2", "frames.X"})


def test_a_window_by_time_holds_its_beginning_and_not_its_end() -> None:
    window = find_window(held(), "cam1", moment(30), moment(40))
    assert (window.first_offset, window.end_offset, window.frames) == (30, 40, 10)


def test_a_time_between_two_frames_means_the_later_one() -> None:
    window = find_window(held(), "cam1", moment(30, after_ms=1), moment(40, after_ms=1))
    assert (window.first_offset, window.end_offset) == (31, 41)


def test_a_window_by_offset_holds_both_ends() -> None:
    window = find_window(held(), "cam1", Offset(30), Offset(40))
    assert (window.first_offset, window.end_offset) == (30, 41)


def test_ends_of_both_kinds_go_together() -> None:
    window = find_window(held(), "cam1", Offset(30), moment(59, after_ms=60_000))
    assert (window.first_offset, window.end_offset) == (30, 60)


def test_a_window_that_began_before_what_kafka_holds_is_cut_and_says_so() -> None:
    assert find_window(held(), "cam1", moment(5), moment(40)).is_cut
    assert not find_window(held(), "cam1", moment(20), moment(40)).is_cut


def test_a_window_that_begins_before_the_first_frame_ever_is_whole() -> None:
    assert not find_window(held(first=0), "cam1", moment(-50), moment(40)).is_cut


@pytest.mark.parametrize(
    ("begin", "end", "error"),
    [
        (moment(2), moment(12), WindowExpired),
        (Offset(19), Offset(30), WindowExpired),
        (moment(70), moment(80), WindowEmpty),
        (moment(40), moment(30), WindowEmpty),
        (Offset(40), Offset(39), WindowEmpty),
        (Offset(30), Offset(60), WindowEmpty),
        (Offset(60), moment(90), WindowEmpty),
    ],
)
def test_a_window_without_a_frame_says_what_kafka_holds(
    begin: Moment | Offset, end: Moment | Offset, error: type[ConfigurationError]
) -> None:
    with pytest.raises(error) as caught:
        find_window(held(), "cam1", begin, end)
    assert f"frames.cam1 from offset 20 ({iso_utc(moment(20).at_ms)})" in str(caught.value)
    assert f"to 59 ({iso_utc(moment(59).at_ms)})" in str(caught.value)


def test_a_time_before_the_first_frame_ever_is_empty_and_not_expired() -> None:
    with pytest.raises(WindowEmpty):
        find_window(held(first=0), "cam1", moment(-20), moment(-10))


def test_a_stream_of_which_every_frame_has_expired_is_told() -> None:
    with pytest.raises(WindowEmpty, match="no frame of stream 'cam1'"):
        find_window(FakeLog(), "cam1", moment(0), moment(9))


def test_an_unknown_stream_is_told_with_those_that_are_known() -> None:
    with pytest.raises(UnknownStream, match=r"'cam9'.*streams: cam1, cam2$"):
        find_window(held(), "cam9", moment(20), moment(40))
    with pytest.raises(UnknownStream, match="there is none"):
        find_window(_no_topics(), "cam9", moment(20), moment(40))


def _no_topics() -> FakeLog:
    class Nothing(FakeLog):
        def topics(self) -> set[str]:
            return set()

    return Nothing()


@given(st.integers(0, 39), st.integers(1, 40))
def test_every_frame_of_a_window_by_time_lies_in_it(first: int, frames: int) -> None:
    log = held(first=0, end=40)
    window = find_window(log, "cam1", moment(first), moment(first + frames))
    inside = [
        one.offset
        for one in log.log
        if moment(first).at_ms <= one.timestamp < moment(first + frames).at_ms
    ]
    assert inside == list(range(window.first_offset, window.end_offset))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", NOW),
        ("90s", NOW - timedelta(seconds=90)),
        ("10m", NOW - timedelta(minutes=10)),
        ("1.5h", NOW - timedelta(minutes=90)),
        ("2d", NOW - timedelta(days=2)),
        ("2026-11-22T10:00:00Z", NOW - timedelta(minutes=15)),
        ("2026-11-22T15:30+05:30", NOW - timedelta(minutes=15)),
        ("2026-11-22T15:30:00.250", NOW - timedelta(minutes=14, seconds=59, milliseconds=750)),
    ],
)
def test_a_time_is_iso_8601_with_a_zone_or_local_or_how_long_ago(
    text: str, meant: datetime
) -> None:
    local = lambda naive: naive.replace(tzinfo=INDIA)  # noqa: E731
    assert moment_of(text, NOW, local) == meant


@pytest.mark.parametrize(
    "text", ["", "yesterday", "10 m", "-10m", "10m ago", "2026-13-01", "9" * 9 + "d"]
)
def test_what_is_no_time_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(ConfigurationError, match="expected ISO 8601"):
        moment_of(text, NOW)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - UTC below
def test_a_time_that_is_told_can_be_given_back(shown: datetime) -> None:
    at_ms = round(shown.replace(tzinfo=UTC).timestamp() * 1000)
    assert edge("from", iso_utc(at_ms), None, NOW) == Moment(at_ms)


def test_a_time_before_the_epoch_is_the_epoch() -> None:
    assert epoch_ms(moment_of("1850-01-01T00:00Z", NOW)) == 0


def test_each_end_is_given_once() -> None:
    assert edge("from", None, 7, NOW) == Offset(7)
    for time, offset in ((None, None), ("now", 7)):
        with pytest.raises(ConfigurationError, match="one of --from and --from-offset"):
            edge("from", time, offset, NOW)


def test_a_replay_without_a_name_is_named_by_stream_version_and_time() -> None:
    assert default_name("cam1", "1", NOW.astimezone(INDIA)) == "cam1-v1-20261122T101500"


def test_the_time_left_is_that_of_the_speed_so_far() -> None:
    assert time_left_s(0, 100, 3.0) is None
    assert time_left_s(25, 100, 5.0) == 15.0
    assert time_left_s(100, 100, 5.0) == 0.0


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True), st.integers(0, 10**9))
def test_the_default_name_of_any_stream_makes_a_topic_that_is_no_stream(
    stream_id: str, version: int
) -> None:
    topic = replay_topic(default_name(stream_id, str(version), NOW))
    assert len(topic) <= 249  # Kafka takes no longer name
    assert streams_among([topic, "results", frames_topic(stream_id)]) == [stream_id]


@pytest.mark.parametrize("name", ["", "results", "-a", "a.b", "a b", "a/b", "a_b", "é", "x" * 128])
def test_a_name_that_could_not_make_a_topic_of_its_own_is_refused(name: str) -> None:
    with pytest.raises(InvalidRecord, match="replay name"):
        replay_topic(name)


def test_a_results_topic_may_be_named_in_short() -> None:
    assert results_topic("results") == "results"
    assert results_topic("fp32") == results_topic("results.fp32") == "results.fp32"
    for wrong in ("frames.cam1", "results.", "results.results"):
        with pytest.raises(InvalidRecord):
            results_topic(wrong)


def test_a_replay_tells_its_threshold_and_live_does_not() -> None:
    assert min_confidence_of(replay_headers(0.35)) == 0.35
    assert min_confidence_of([]) is None
    for wrong in (b"", b"much", b"nan", b"1.5"):
        with pytest.raises(InvalidRecord, match="min-confidence"):
            min_confidence_of([("min-confidence", wrong)])
