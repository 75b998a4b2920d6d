"""The preflight's rules on topics, rights and groups: numbers in, verdicts out."""

from dataclasses import replace

import pytest

from runtime.preflight.facts import Group, Topics
from runtime.preflight.findings import Verdict
from runtime.preflight.topics import (
    Use,
    fit_for_use,
    group_rights,
    message_size,
    missing_topic,
    one_partition,
    replicas,
    replication_factor,
)
from tests.unit.preflight_facts import TOPIC, with_limits


@pytest.mark.parametrize(
    ("limit_bytes", "verdict"),
    [(4_145_151, Verdict.REFUSED), (4_145_152, Verdict.OK), (9_000_000, Verdict.OK)],
)
def test_a_topic_must_take_the_largest_record_of_ours(limit_bytes: int, verdict: Verdict) -> None:
    topic = replace(TOPIC, limits=with_limits(max_message_bytes=limit_bytes))
    found = message_size(topic, 4_145_152)
    assert found.verdict is verdict
    assert f"takes messages of {limit_bytes} bytes, ours need 4145152" in found.said


def test_a_limit_that_may_not_be_seen_is_skipped_and_the_missing_right_named() -> None:
    found = message_size(replace(TOPIC, limits=None), 1)
    assert (found.verdict, found.said) == (
        Verdict.SKIPPED,
        "DescribeConfigs on topic frames.cam1 is not given",
    )


@pytest.mark.parametrize(("partitions", "verdict"), [(1, Verdict.OK), (3, Verdict.REFUSED)])
def test_a_stream_has_one_partition(partitions: int, verdict: Verdict) -> None:
    assert one_partition(replace(TOPIC, partitions=partitions)).verdict is verdict


@pytest.mark.parametrize(
    ("have", "in_sync", "least", "factor", "verdict"),
    [
        (1, 1, 1, 1, Verdict.OK),
        (3, 3, 2, 3, Verdict.OK),
        (3, 2, 2, 3, Verdict.WARNING),
        (3, 1, 2, 3, Verdict.REFUSED),
        (1, 0, 1, 1, Verdict.REFUSED),
        (1, 1, 1, 3, Verdict.WARNING),
    ],
)
def test_replicas_must_be_enough_for_an_acknowledgement(
    have: int, in_sync: int, least: int, factor: int, verdict: Verdict
) -> None:
    topic = replace(TOPIC, replicas=have, in_sync=in_sync, limits=with_limits(min_in_sync=least))
    assert replicas(topic, factor).verdict is verdict


def test_a_replication_factor_above_the_brokers_that_live_is_told() -> None:
    assert replication_factor(alive=3, factor=3).verdict is Verdict.OK
    found = replication_factor(alive=2, factor=3)
    assert found.verdict is Verdict.WARNING
    assert "FRAMERAIL_TOPIC_REPLICATION_FACTOR" in found.change


def test_a_missing_right_is_named_with_its_operation_resource_and_user() -> None:
    topic = replace(TOPIC, operations=frozenset({"DESCRIBE"}))
    use = Use("frames.cam1", ("DESCRIBE", "WRITE"), 1000)
    rights, *_ = fit_for_use([use], Topics({"frames.cam1": topic}), 1, "framerail")
    assert rights.verdict is Verdict.REFUSED
    assert rights.said == "Write on topic frames.cam1 is not given to user 'framerail'"
    assert "--operation Write --topic frames.cam1" in rights.change


def test_a_topic_that_may_not_even_be_looked_at_is_refused_and_an_absent_one_left_to_others() -> (
    None
):
    uses = [Use("results", ("DESCRIBE", "READ")), Use("deadletter", ("DESCRIBE", "WRITE"))]
    found = fit_for_use(uses, Topics({}, frozenset({"results"})), 1, "framerail")
    assert [one.said for one in found] == [
        "Describe and Read on topic results is not given to user 'framerail'"
    ]


@pytest.mark.parametrize(
    ("operations", "verdict"),
    [
        (frozenset({"READ", "DESCRIBE"}), Verdict.OK),
        (frozenset({"DESCRIBE"}), Verdict.REFUSED),
        (frozenset(), Verdict.REFUSED),
        (None, Verdict.OK),
    ],
)
def test_a_group_must_be_ours_to_read_in_unless_it_has_yet_to_be_made(
    operations: frozenset[str] | None, verdict: Verdict
) -> None:
    groups = [Group("other", frozenset()), Group("consumer", operations)]
    assert group_rights("consumer", groups, None).verdict is verdict
    assert group_rights("unknown", groups, None).verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("may_create", "trouble", "verdict"),
    [
        (True, None, Verdict.OK),
        (False, None, Verdict.REFUSED),
        (True, "only 1 broker(s) are registered", Verdict.REFUSED),
    ],
)
def test_a_missing_topic_must_be_one_that_can_be_made(
    may_create: bool, trouble: str | None, verdict: Verdict
) -> None:
    found = missing_topic("frames.cam1", may_create, trouble)
    assert found.verdict is verdict
    assert trouble is None or trouble in found.said
