"""The preflight's rules on retention, lag, disks and clocks: numbers in, verdicts out."""

from dataclasses import replace

import pytest

from runtime.preflight.clocks import kafka_clock, s3_clock
from runtime.preflight.facts import FrameLoad, Logs, Stored, Topic, TopicLimits
from runtime.preflight.findings import Verdict, judged
from runtime.preflight.retention import disk, lag, retention, tightest_first
from tests.unit.preflight_facts import LIMITS, LOAD, MIB, TOPIC, UHD, with_limits


@pytest.mark.parametrize(
    ("load", "limits", "held_s", "verdict"),
    [
        # 2 GiB at 25 frames of 87 kB a second.
        (LOAD, LIMITS, 987.3, Verdict.OK),
        (LOAD, with_limits(retention_bytes=512 * MIB), 246.8, Verdict.WARNING),
        (LOAD, with_limits(retention_bytes=128 * MIB), 61.7, Verdict.WARNING),
        (LOAD, with_limits(retention_bytes=124 * MIB), 59.8, Verdict.REFUSED),
        (LOAD, with_limits(retention_s=30), 30, Verdict.REFUSED),
        (LOAD, with_limits(retention_bytes=None), 21600, Verdict.OK),
        (LOAD, with_limits(retention_bytes=None, retention_s=None), None, Verdict.OK),
        (UHD, LIMITS, 52.8, Verdict.REFUSED),
        (replace(UHD, frames_per_s=2), LIMITS, 659.6, Verdict.OK),
        (replace(LOAD, frames_per_s=0), LIMITS, 21600, Verdict.OK),
    ],
)
def test_a_topic_must_hold_frames_for_as_long_as_an_outage_may_last(
    load: FrameLoad, limits: TopicLimits, held_s: float | None, verdict: Verdict
) -> None:
    found = retention(load, limits, 60)
    assert found.verdict is verdict
    assert found.numbers["held_s"] == (None if held_s is None else pytest.approx(held_s, abs=0.1))


def test_what_to_raise_is_the_topics_own_setting_where_it_is_there_and_ours_where_it_is_not() -> (
    None
):
    wanted = 9_315 * MIB  # ten minutes of 16.3 MB a second, in whole MiB
    load = replace(UHD, frames_per_s=10)
    topic = retention(load, with_limits(retention_bytes=512 * MIB), 60)
    assert f"retention.bytes of topic a camera of 3840x2160 to {wanted}" in topic.change
    to_be = retention(load, with_limits(retention_bytes=512 * MIB), 60, is_made=False)
    assert f"FRAMERAIL_FRAMES_RETENTION_BYTES to {wanted}" in to_be.change
    short = with_limits(retention_s=30)
    assert "retention.ms of topic frames.cam1 to 600000" in retention(LOAD, short, 60).change
    ours = retention(LOAD, short, 60, is_made=False)
    assert "FRAMERAIL_FRAMES_RETENTION_S to 600 (10 min)" in ours.change


@pytest.mark.parametrize(
    ("committed", "waiting", "expired", "verdict"),
    [
        (10_000, 0, 0, Verdict.OK),
        (9_000, 1_000, 0, Verdict.OK),
        (2_000, 8_000, 0, Verdict.WARNING),  # of the 12342 frames that the topic holds
        (500, 9_500, 500, Verdict.WARNING),
        (None, 9_000, 0, Verdict.WARNING),
    ],
)
def test_a_lag_is_told_by_when_its_next_frame_is_deleted(
    committed: int | None, waiting: int, expired: int, verdict: Verdict
) -> None:
    limits = with_limits(retention_bytes=1024 * MIB)
    found = lag(LOAD, limits, Stored(1_000, 10_000), committed)
    assert (found.numbers["waiting"], found.numbers["expired"]) == (waiting, expired)
    assert found.verdict is verdict


@pytest.mark.parametrize(
    ("free_bytes", "verdict"),
    [(3 * 2**30, Verdict.OK), (2**30, Verdict.WARNING), (None, None)],
)
def test_the_brokers_disks_must_hold_what_retention_allows(
    free_bytes: int | None, verdict: Verdict | None
) -> None:
    unbounded = Topic("results", 1, 1, 1, frozenset(), with_limits(retention_bytes=None))
    logs = Logs({"frames.cam1": Stored(0, 10, 512 * MIB)}, free_bytes)
    found = disk([TOPIC, unbounded], logs)
    assert (None if found is None else found.verdict) is verdict
    if found is not None:
        assert found.numbers["to_come_bytes"] == (2048 + 64 - 512) * MIB


def test_findings_of_one_check_are_put_in_order_with_no_bound_last() -> None:
    bounds = {"b": 30.0, "never": None, "a": 20.0}
    found = [judged("retention", name, "", "", held_s=bound) for name, bound in bounds.items()]
    assert [one.subject for one in tightest_first(found, "held_s")] == ["a", "b", "never"]


@pytest.mark.parametrize(
    ("ahead_s", "verdict"),
    [
        (0.4, Verdict.OK),
        (-2.9, Verdict.OK),  # known to a second
        (3.1, Verdict.WARNING),
        (-3.1, Verdict.WARNING),
        (901, Verdict.WARNING),
        (902, Verdict.REFUSED),
        (-902, Verdict.REFUSED),
    ],
)
def test_a_clock_that_s3_would_not_believe_is_refused(ahead_s: float, verdict: Verdict) -> None:
    assert s3_clock(ahead_s).verdict is verdict


def test_the_brokers_tolerate_as_much_as_their_topics_say() -> None:
    assert kafka_clock(1.9, 3600).verdict is Verdict.OK
    assert kafka_clock(-2.2, 3600).verdict is Verdict.WARNING
    assert kafka_clock(3601, 3600).verdict is Verdict.REFUSED
    assert kafka_clock(3601, float("inf")).verdict is Verdict.WARNING
