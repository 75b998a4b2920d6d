"""A member of a Kafka group: polls and commits in our words and errors, and keeps its place."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    RebalanceInProgressError,
    RetriableError,
    UnknownMemberIdError,
)
from kafka.structs import MemberState

from runtime.errors import DependencyError, TransientError

JOIN_TIMEOUT_MS = 1000
"""While a rebalance goes on, no poll is shorter: it has nothing else to wait for."""
COMMIT_TIMEOUT_S = 5.0
LEAVE_TIMEOUT_MS = 2000
ASK_TIMEOUT_MS = 1000
"""A question to the broker that can be asked again holds the loop up no longer than this."""

_HEALS_BY_ITSELF = (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    RetriableError,
    UnknownMemberIdError,
)
"""Either the client tries again, or the group has moved on and the records come once more."""


class GroupConsumer(KafkaConsumer):  # type: ignore[misc]  # the library has no types
    """kafka-python's consumer without its two ways to lose a rebalance (3.0.12).

    A poll that ends before the group has answered leaves the join under way for the next poll. But
    where it was a change of topics that called for it, the library no longer thinks that it has to
    join: nobody takes the answer, heartbeats stay off, the broker drops the member after its
    session, and every commit fails for ever with RebalanceInProgressError. And a poll too short for
    one answer from the broker never learns of new topics at all. With polls of 50 ms, two members
    and topics that come, 8 of 10 trials ended so; none with this class.
    """

    def poll(
        self, timeout_ms: float = 0, max_records: int | None = None, update_offsets: bool = True
    ) -> dict[Any, list[Any]]:
        """Return the next records by partition, as KafkaConsumer does.

        While the group rebalances it may take JOIN_TIMEOUT_MS instead of a shorter `timeout_ms`.
        """
        coordinator = self._coordinator
        is_joining = self.group_metadata().state == MemberState.REBALANCING
        if is_joining or coordinator.need_rejoin():
            # Unlike the signs that it is inferred from, this one lasts until the join is complete.
            coordinator.request_rejoin()
            timeout_ms = max(timeout_ms, JOIN_TIMEOUT_MS)
        fetched: dict[Any, list[Any]] = super().poll(timeout_ms, max_records, update_offsets)
        return fetched

    def fetch(
        self, timeout_s: float, max_records: int | None = None
    ) -> dict[TopicPartition, list[Any]]:
        """Return the next records as `poll` does.

        Raises TransientError for what the client retries by itself, DependencyError if Kafka
        refuses us.
        """
        with _explained("cannot be read"):
            return self.poll(int(timeout_s * 1000), max_records)

    def commit_next(
        self, next_offsets: Mapping[TopicPartition, int], timeout_s: float = COMMIT_TIMEOUT_S
    ) -> None:
        """Commit the offset to read next, per partition.

        Raises TransientError if the broker did not answer or the group has moved on, so that the
        records are read again; DependencyError if Kafka refuses the commit.
        """
        with _explained("takes no commit"):
            self.commit(as_kafka_offsets(next_offsets), timeout_ms=int(timeout_s * 1000))

    def committed_next(self, partition: TopicPartition) -> int | None:
        """Return the offset that the group has committed, None if there is none.

        Raises as `commit_next` does.
        """
        with _explained("tells no committed offset"):
            offset: int | None = self.committed(partition, timeout_ms=ASK_TIMEOUT_MS)
            return offset

    def read_to_end(self, partitions: Collection[TopicPartition]) -> set[TopicPartition]:
        """Return those of our partitions whose every record has been returned.

        The broker is asked: what the last fetch told may be long ago where fetching pauses. Raises
        as `commit_next` does.
        """
        ours = self.assignment().intersection(partitions)
        with _explained("tells no end of the log"):
            # After a broker's restart even our own position is asked for: was the log cut short?
            read_until = {at: self.position(at, timeout_ms=ASK_TIMEOUT_MS) for at in ours}
            likely = [
                partition
                for partition, next_offset in read_until.items()
                if (seen := self.highwater(partition)) is not None
                and next_offset is not None
                and next_offset >= seen
            ]
            ends = self.end_offsets(likely, timeout_ms=ASK_TIMEOUT_MS) if likely else {}
        return {partition for partition, end in ends.items() if read_until[partition] >= end}

    def leave(self) -> None:
        """Leave the group and close the connections, within LEAVE_TIMEOUT_MS."""
        self.close(autocommit=False, timeout_ms=LEAVE_TIMEOUT_MS)


def as_kafka_offsets(
    next_offsets: Mapping[TopicPartition, int],
) -> dict[TopicPartition, OffsetAndMetadata]:
    """Return offsets to commit in the client's own words."""
    return {at: OffsetAndMetadata(offset, "", -1) for at, offset in next_offsets.items()}


@contextmanager
def _explained(trouble: str) -> Iterator[None]:
    try:
        yield
    except _HEALS_BY_ITSELF as error:
        raise TransientError(f"Kafka {trouble} now: {error!r}") from error
    except KafkaError as error:
        raise DependencyError(f"Kafka {trouble}: {error!r}") from error
