"""Members of a group settle after every rebalance, though they poll for moments only."""

import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.structs import MemberState

from local.stack import EmbeddedStack
from runtime.kafka_clients import open_consumer
from runtime.settings import KafkaSettings

Eventually = Callable[[Callable[[], bool], str, float], None]

POLL_MS = 50


@pytest.fixture
def prefix() -> str:
    return f"group-{uuid.uuid4().hex[:8]}-"


def make_topic(kafka: EmbeddedStack, name: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=kafka.addresses.kafka_bootstrap)
    topic = {"num_partitions": 1, "replication_factor": 1}
    admin.create_topics({name: topic}, wait_for_metadata=True)
    admin.close()


@contextmanager
def polling_members(kafka: EmbeddedStack, prefix: str, count: int) -> Iterator[list[Any]]:
    """Run members of one group, each polled by a thread of its own."""
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.addresses.kafka_bootstrap)
    halt = threading.Event()
    members = [
        open_consumer(
            settings,
            f"member-{number}",
            group_id=prefix,
            metadata_max_age_ms=500,
            partition_assignment_strategy=(CooperativeStickyAssignor,),
        )
        for number in range(count)
    ]

    def poll(member: Any) -> None:
        member.subscribe(pattern=f"^{prefix}")
        while not halt.is_set():
            member.poll(POLL_MS)
        member.close(timeout_ms=1000)

    threads = [threading.Thread(target=poll, args=(member,)) for member in members]
    for thread in threads:
        thread.start()
    try:
        yield members
    finally:
        halt.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("count", [1, 2])
def test_every_topic_that_comes_is_taken_over_by_a_settled_group(
    kafka: EmbeddedStack, prefix: str, eventually: Eventually, count: int
) -> None:
    make_topic(kafka, f"{prefix}0")
    with polling_members(kafka, prefix, count) as members:

        def has_settled(topics: int) -> bool:
            return sum(len(member.assignment()) for member in members) == topics and all(
                member.group_metadata().state == MemberState.STABLE for member in members
            )

        eventually(lambda: has_settled(1), "the first topic is read", 30)
        for number in (1, 2):
            make_topic(kafka, f"{prefix}{number}")
            eventually(lambda n=number: has_settled(n + 1), f"topic {number} is read too", 30)  # type: ignore[misc]
