"""The numbers that the rules judge, as the outside systems told them; None where one did not."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TopicLimits:
    """What a topic is configured to; `retention_s` and `retention_bytes` are None for no limit."""

    max_message_bytes: int
    retention_s: float | None
    retention_bytes: int | None
    segment_bytes: int
    min_in_sync: int
    timestamp_after_max_s: float


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic that is there.

    `replicas` and `in_sync` are those of its least replicated partition. `operations` are what we
    may do, in Kafka's words (READ, WRITE, ...). `limits` is None where we may not see them.
    """

    name: str
    partitions: int
    replicas: int
    in_sync: int
    operations: frozenset[str]
    limits: TopicLimits | None


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics that were asked for: those that are there, and those we may not look at."""

    present: Mapping[str, Topic]
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Brokers:
    """How many brokers live, and what they are configured to."""

    alive: int
    socket_request_max_bytes: int | None = None
    replica_fetch_max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """What Kafka holds of a frames topic, and how fast the newest minute of it came."""

    first_offset: int
    end_offset: int
    stored_bytes: int | None = None
    frames_per_s: float | None = None

    @property
    def mean_frame_bytes(self) -> float | None:
        """The mean size of the records that Kafka holds, None if it holds none or does not tell."""
        if not self.stored_bytes or self.end_offset <= self.first_offset:
            return None
        return self.stored_bytes / (self.end_offset - self.first_offset)


@dataclass(frozen=True, slots=True)
class Logs:
    """What is stored, by topic; `free_bytes` is the room on the fullest disk of any broker."""

    stored: Mapping[str, Stored] = field(default_factory=dict)
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group: what we may do with it, and the next offset to read, by topic.

    `operations` is None for a group that is not there yet, of which Kafka tells no rights.
    """

    name: str
    operations: frozenset[str] | None
    committed: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KafkaFacts:
    """All that Kafka told; `clock_ahead_s` is how far our clock is ahead of the controllers'."""

    topics: Topics
    brokers: Brokers
    logs: Logs = field(default_factory=Logs)
    groups: tuple[Group, ...] = ()
    clock_ahead_s: float | None = None


@dataclass(frozen=True, slots=True)
class FrameLoad:
    """How large and how many the frames of one stream are; `origin` tells how that is known.

    `least_bytes` is what a frame would take at the lowest quality that the producer goes down to;
    None where frames were measured, as those have passed the producer.
    """

    stream: str
    mean_bytes: float
    largest_bytes: int
    frames_per_s: float
    origin: str
    least_bytes: int | None = None

    @property
    def bytes_per_s(self) -> float:
        """What the stream adds to its topic."""
        return self.mean_bytes * self.frames_per_s


def measured_loads(logs: Logs) -> list[FrameLoad]:
    """Return the load of every frames topic of which Kafka tells both rate and bytes."""
    return [
        FrameLoad(topic, mean_bytes, round(mean_bytes), stored.frames_per_s, "mean of its log")
        for topic, stored in logs.stored.items()
        if (mean_bytes := stored.mean_frame_bytes) is not None and stored.frames_per_s is not None
    ]
