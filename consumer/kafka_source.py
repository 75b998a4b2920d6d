"""The edge to the frames topics: polls, pauses, commits, and tells of partitions lost."""

import threading
from collections.abc import Iterable, Mapping

from kafka import ConsumerRebalanceListener, KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    RetriableError,
    UnknownMemberIdError,
)

from consumer.frame import FetchedFrame, FrameSource
from consumer.settings import ConsumerSettings
from contracts.names import FRAMES_PATTERN
from runtime.errors import DependencyError, TransientError
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, open_consumer

COMMIT_TIMEOUT_MS = 10_000

_GROUP_MOVED_ON = (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    RetriableError,
    UnknownMemberIdError,
)


class KafkaFrames:
    """The frames of every stream, as one member of a consumer group."""

    def __init__(self, settings: ConsumerSettings) -> None:
        """Connect; raise as `runtime.kafka_clients.open_consumer` does."""
        self._consumer: KafkaConsumer = open_consumer(
            settings,
            client_id="framerail-consumer",
            group_id=settings.consumer_group,
            metadata_max_age_ms=int(settings.topic_discovery_s * 1000),
            max_partition_fetch_bytes=settings.max_frame_bytes + RECORD_OVERHEAD_BYTES,
            max_poll_records=2 * settings.batch_size,
            fetch_max_wait_ms=200,
            # A new stream or member moves single partitions instead of stopping all of them.
            partition_assignment_strategy=(CooperativeStickyAssignor,),
        )
        self._revocations = _Revocations()

    def subscribe(self) -> None:
        """Join the group; partitions are assigned while `poll` is called."""
        self._consumer.subscribe(pattern=FRAMES_PATTERN, listener=self._revocations)

    def take_revoked(self) -> set[FrameSource]:
        """Return the partitions taken from us since the last call, even if they came back since.

        Asked for after `poll` and before its frames are looked at: a partition that came back is
        read from its committed offset again.
        """
        return self._revocations.take()

    def poll(self, timeout_s: float) -> list[FetchedFrame]:
        """Return the next frames, in offset order per partition; none after `timeout_s` seconds.

        Raises TransientError for what the client retries by itself, DependencyError if Kafka
        refuses us.
        """
        try:
            records = self._consumer.poll(timeout_ms=int(timeout_s * 1000))
        except RetriableError as error:
            raise TransientError(f"Kafka: {error}") from error
        except KafkaError as error:
            raise DependencyError(f"Kafka refuses to be read: {error!r}") from error
        return [
            FetchedFrame.read(
                FrameSource(r.topic, r.partition), r.offset, r.value or b"", r.headers, r.timestamp
            )
            for fetched in records.values()
            for r in fetched
        ]

    def is_caught_up(self, source: FrameSource) -> bool:
        """Whether every frame that the partition was last seen to hold has been returned."""
        partition = TopicPartition(*source)
        if partition not in self._consumer.assignment():
            return False
        highwater = self._consumer.highwater(partition)
        return highwater is not None and self._consumer.position(partition) >= highwater

    def pause(self) -> None:
        """Fetch nothing more until `resume`; polling goes on, so the group keeps us."""
        self._consumer.pause(*self._consumer.assignment())

    def resume(self) -> None:
        """Fetch again."""
        self._consumer.resume(*self._consumer.paused())

    def commit(self, next_offsets: Mapping[FrameSource, int]) -> None:
        """Commit the offset to read next, per partition.

        Raises TransientError if the group moved on or the broker did not answer; the frames are
        then read again.
        """
        offsets = {
            TopicPartition(*source): OffsetAndMetadata(offset, "", -1)
            for source, offset in next_offsets.items()
            if source not in self._revocations
        }
        try:
            self._consumer.commit(offsets, timeout_ms=COMMIT_TIMEOUT_MS)
        except _GROUP_MOVED_ON as error:
            raise TransientError(f"Kafka: commit: {error!r}") from error
        except KafkaError as error:
            raise DependencyError(f"Kafka refuses the commit: {error!r}") from error

    def close(self) -> None:
        """Leave the group."""
        self._consumer.close(autocommit=False, timeout_ms=COMMIT_TIMEOUT_MS)


class _Revocations(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Remembers what was taken from us: the client calls it from its own thread, where it must
    not block."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sources: set[FrameSource] = set()

    def __contains__(self, source: FrameSource) -> bool:
        with self._lock:
            return source in self._sources

    def take(self) -> set[FrameSource]:
        """Return and forget the partitions taken from us."""
        with self._lock:
            taken, self._sources = self._sources, set()
        return taken

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called before partitions go to somebody else, and when the group has dropped us."""
        with self._lock:
            self._sources |= {FrameSource(*partition) for partition in revoked}

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing to do: reading starts at the committed offsets."""
