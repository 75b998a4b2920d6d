"""The edge to `results`: polls, pauses, commits, and gives partitions up in good order."""

from collections.abc import Collection, Mapping
from typing import Protocol

from kafka import AsyncConsumerRebalanceListener, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaError

from contracts.names import RESULTS_TOPIC
from postproc.records import ResultRecord
from postproc.settings import PostprocSettings
from runtime.group_consumer import GroupConsumer, as_kafka_offsets
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, open_consumer
from runtime.logs import Logger

METADATA_MAX_AGE_MS = 30_000
"""How long partitions that are added to the topic, or a change of leader, may go unseen."""


class Owner(Protocol):
    """Whoever works on the records of our partitions."""

    def give_up(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """End the work on partitions, within seconds; return the offsets to commit for them."""

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """Drop partitions that are somebody else's already."""


class KafkaResultsSource:
    """The records of `results`, as one member of a consumer group."""

    def __init__(self, settings: PostprocSettings, log: Logger) -> None:
        """Connect; raise as `runtime.kafka_clients.open_consumer` does."""
        self._log = log
        self._consumer: GroupConsumer = open_consumer(
            settings,
            client_id="framerail-postproc",
            group_id=settings.postproc_group,
            metadata_max_age_ms=METADATA_MAX_AGE_MS,
            max_partition_fetch_bytes=settings.max_result_bytes + RECORD_OVERHEAD_BYTES,
            fetch_max_bytes=settings.max_result_bytes + RECORD_OVERHEAD_BYTES,
            # A member that comes or goes moves single partitions instead of stopping all of them.
            partition_assignment_strategy=(CooperativeStickyAssignor,),
        )

    def subscribe(self, owner: Owner) -> None:
        """Join the group; `owner` is told, inside `poll` and `close`, of partitions that leave."""
        listener = _Handover(self._consumer, owner, self._log)
        # kafka-python 3.0.12 forgets to ask about a topic that is subscribed while an earlier
        # metadata request is under way; its partitions are then given to nobody until the next
        # refresh (7 of 60 starts on busy cores; none with the topic known before).
        self._consumer.partitions_for_topic(RESULTS_TOPIC)
        self._consumer.subscribe([RESULTS_TOPIC], listener=listener)

    def poll(self, max_records: int, timeout_s: float) -> list[ResultRecord]:
        """Return at most `max_records` records, in offset order per partition.

        With 0 nothing is fetched, but the group is kept. A partition that arrives in that very
        moment may still bring one record. Raises as `GroupConsumer.fetch` does.
        """
        if max_records > 0:
            self._consumer.resume(*self._consumer.paused())
        else:
            self._consumer.pause(*self._consumer.assignment())
        fetched = self._consumer.fetch(timeout_s, max(max_records, 1))
        return [
            ResultRecord(partition, record.offset, record.key, record.value, record.headers)
            for partition, records in fetched.items()
            for record in records
        ]

    def commit(self, next_offsets: Mapping[TopicPartition, int], timeout_s: float) -> None:
        """Commit the offset to read next, per partition, within `timeout_s` seconds.

        Raises as `GroupConsumer.commit_next` does.
        """
        self._consumer.commit_next(next_offsets, timeout_s)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.leave()


class _Handover(AsyncConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Commits what is stored before a partition goes to another member.

    The client calls it in its own thread while ours waits in `poll` or `close`, so the owner is
    never asked by two at once. The client's heartbeats wait too: the owner must answer well within
    the session timeout. It is the asynchronous kind because the other may not commit.
    """

    def __init__(self, consumer: GroupConsumer, owner: Owner, log: Logger) -> None:
        self._consumer = consumer
        self._owner = owner
        self._log = log

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Commit what these partitions have stored, while they are still ours."""
        next_offsets = self._owner.give_up(revoked)
        if not next_offsets:
            return
        try:
            await self._consumer.commit_async(as_kafka_offsets(next_offsets))
        except KafkaError as error:
            self._log.warning("handover.commit_failed", reason=repr(error))

    async def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        """Drop these partitions: the group has given them away without us."""
        self._owner.forget(lost)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Nothing to do: reading starts at the committed offsets."""
