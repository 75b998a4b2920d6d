"""The edge to the frames topics: polls, pauses, commits, and tells of partitions lost."""

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kafka import ConsumerRebalanceListener, TopicPartition
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from consumer.frame import FetchedFrame, FrameSource
from consumer.settings import ConsumerSettings
from contracts.names import FRAMES_PATTERN
from runtime.group_consumer import GroupConsumer
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, open_consumer

FETCH_MIN_BYTES = 128 * 1024
FETCH_MAX_WAIT_MS = 500


class KafkaFrames:
    """The frames of every stream, as one member of a consumer group."""

    def __init__(self, settings: ConsumerSettings) -> None:
        """Connect; raise as `runtime.kafka_clients.open_consumer` does."""
        self._consumer: GroupConsumer = open_consumer(
            settings,
            client_id="framerail-consumer",
            group_id=settings.consumer_group,
            metadata_max_age_ms=int(settings.topic_discovery_s * 1000),
            max_partition_fetch_bytes=settings.max_frame_bytes + RECORD_OVERHEAD_BYTES,
            max_poll_records=2 * settings.batch_size,
            # A fetch costs the same whatever it brings, so a few frames wait for each other.
            fetch_min_bytes=FETCH_MIN_BYTES,
            fetch_max_wait_ms=FETCH_MAX_WAIT_MS,
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

        Raises as `GroupConsumer.fetch` does.
        """
        fetched = self._consumer.fetch(timeout_s)
        now_ns = time.time_ns()
        return [fetched_frame(record, now_ns) for records in fetched.values() for record in records]

    def committed(self, source: FrameSource) -> int | None:
        """Return where the group has got to in a partition, None if it has not begun.

        Raises as `GroupConsumer.committed_next` does.
        """
        return self._consumer.committed_next(TopicPartition(*source))

    def caught_up(self, sources: Collection[FrameSource]) -> set[FrameSource]:
        """Return those of our partitions of which every frame in the log has been returned.

        Raises as `GroupConsumer.read_to_end` does.
        """
        ended = self._consumer.read_to_end([TopicPartition(*source) for source in sources])
        return {FrameSource(*partition) for partition in ended}

    def pause(self) -> None:
        """Fetch nothing more until `resume`; polling goes on, so the group keeps us."""
        self._consumer.pause(*self._consumer.assignment())

    def resume(self) -> None:
        """Fetch again."""
        self._consumer.resume(*self._consumer.paused())

    def commit(self, next_offsets: Mapping[FrameSource, int], timeout_s: float) -> None:
        """Commit the offset to read next, per partition, within `timeout_s` seconds.

        Raises as `GroupConsumer.commit_next` does.
        """
        offsets = {
            TopicPartition(*source): offset
            for source, offset in next_offsets.items()
            if source not in self._revocations
        }
        self._consumer.commit_next(offsets, timeout_s)

    def close(self) -> None:
        """Leave the group."""
        self._consumer.leave()


def fetched_frame(record: Any, fetched_ns: int = 0) -> FetchedFrame:
    """Return the frame in a record of kafka-python's, which came at `fetched_ns`."""
    source = FrameSource(record.topic, record.partition)
    return FetchedFrame.read(
        source, record.offset, record.value or b"", record.headers, record.timestamp, fetched_ns
    )


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
