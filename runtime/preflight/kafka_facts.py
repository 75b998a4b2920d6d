"""The edge to Kafka: gathers, over one administrator's connection, the numbers for the rules."""

import re
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    BrokerResponseError,
    GroupAuthorizationFailedError,
    KafkaError,
    RetriableError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.protocol.consumer import OffsetSpec

from contracts.names import FRAMES_PATTERN
from runtime.preflight.facts import (
    Brokers,
    Group,
    KafkaFacts,
    Logs,
    Stored,
    Topic,
    TopicLimits,
    Topics,
)

RATE_WINDOW_MS = 60_000
"""The newest minute of a topic tells its rate."""
COORDINATED_S = 0.5
"""The first to ask a new cluster for a group makes the topic that groups are kept in: 0.1 s."""
_TOPIC_CONFIGS = (
    "max.message.bytes",
    "retention.ms",
    "retention.bytes",
    "segment.bytes",
    "min.insync.replicas",
    "message.timestamp.after.max.ms",
)
_BROKER_CONFIGS = ("socket.request.max.bytes", "replica.fetch.max.bytes")


def frames_topics(admin: KafkaAdminClient) -> list[str]:
    """Return the names of the frames topics that are there and that we may see."""
    return sorted(name for name in admin.list_topics() if re.match(FRAMES_PATTERN, name))


def read_kafka(
    admin: KafkaAdminClient, topics: Topics, frames: Collection[str], groups: Collection[str]
) -> KafkaFacts:
    """Gather all that the rules want to know besides `topics`.

    `frames` are the topics whose logs are looked at, `groups` those whose rights and commits are.
    """
    there = [name for name in frames if name in topics.present]
    return KafkaFacts(
        topics,
        read_brokers(admin),
        read_logs(admin, there),
        tuple(one for name in groups if (one := read_group(admin, name, there)) is not None),
        read_clock_ahead_s(admin),
    )


def read_topics(admin: KafkaAdminClient, names: Collection[str]) -> Topics:
    """Look at topics by name; one that is not there is left out."""
    found, hidden = [], set()
    for topic in admin.describe_topics(list(names)) if names else []:
        trouble = for_code(topic["error_code"])
        if trouble is TopicAuthorizationFailedError:
            hidden.add(topic["name"])
        elif trouble is not UnknownTopicOrPartitionError:
            found.append(topic)
    limits = _limits(admin, [topic["name"] for topic in found])
    present = {topic["name"]: _topic(topic, limits.get(topic["name"])) for topic in found}
    return Topics(present, frozenset(hidden))


def _topic(described: Mapping[str, Any], limits: TopicLimits | None) -> Topic:
    partitions = described["partitions"]
    return Topic(
        name=described["name"],
        partitions=len(partitions),
        replicas=min((len(one["replica_nodes"]) for one in partitions), default=0),
        in_sync=min((len(one["isr_nodes"]) for one in partitions), default=0),
        operations=frozenset(described["authorized_operations"] or ()),
        limits=limits,
    )


def _limits(admin: KafkaAdminClient, names: Collection[str]) -> dict[str, TopicLimits]:
    """Return what topics are configured to; those that we may not ask about are left out."""
    found = _configs(admin, ConfigResourceType.TOPIC, names, _TOPIC_CONFIGS)
    return {name: _topic_limits(values) for name, values in found.items()}


def _topic_limits(values: Mapping[str, int]) -> TopicLimits:
    retention_ms, retention_bytes = values["retention.ms"], values["retention.bytes"]
    return TopicLimits(
        max_message_bytes=values["max.message.bytes"],
        retention_s=None if retention_ms < 0 else retention_ms / 1000,
        retention_bytes=None if retention_bytes < 0 else retention_bytes,
        segment_bytes=values["segment.bytes"],
        min_in_sync=values["min.insync.replicas"],
        # Not known to brokers before 3.6.
        timestamp_after_max_s=values.get("message.timestamp.after.max.ms", float("inf")) / 1000,
    )


def _configs(
    admin: KafkaAdminClient, kind: ConfigResourceType, names: Iterable[str], wanted: Iterable[str]
) -> dict[str, dict[str, int]]:
    keys = tuple(wanted)
    resources = [ConfigResource(kind, name, dict.fromkeys(keys)) for name in names]
    if not resources:
        return {}
    told = admin.describe_configs(resources, config_filter="all")[kind.name.lower()]
    # A refusal comes as a resource without any value (kafka-python 3.0.12 hides its error).
    return {
        name: {key: int(values[key]["value"]) for key in keys if key in values}
        for name, values in told.items()
        if values
    }


def read_brokers(admin: KafkaAdminClient) -> Brokers:
    """Count the brokers that live, and ask the first one for its limits."""
    alive = [
        str(broker["broker_id"])
        for broker in admin.describe_cluster()["brokers"]
        if not broker.get("is_fenced", False)
    ]
    told = _configs(admin, ConfigResourceType.BROKER, alive[:1], _BROKER_CONFIGS)
    values = next(iter(told.values()), {})
    return Brokers(
        alive=len(alive),
        socket_request_max_bytes=values.get("socket.request.max.bytes"),
        replica_fetch_max_bytes=values.get("replica.fetch.max.bytes"),
    )


def read_clock_ahead_s(admin: KafkaAdminClient) -> float | None:
    """Return by how much our clock is ahead of the active controller's, None if it tells no time.

    Kafka has no call for the time, but of the quorum's leader DescribeQuorum reports "the current
    time" as when it last caught up (KIP-836).
    """
    begun_s = time.time()
    try:
        quorum = admin.describe_metadata_quorum()
    except BrokerResponseError:
        return None  # Describe on the cluster is not given, or the brokers are too old
    ours_s = (begun_s + time.time()) / 2
    partition = quorum["topics"][0]["partitions"][0]
    for voter in partition["current_voters"]:
        told_ms = int(voter.get("last_caught_up_timestamp", -1))
        if voter["replica_id"] == partition["leader_id"] and told_ms > 0:
            return ours_s - told_ms / 1000
    return None


def read_logs(admin: KafkaAdminClient, names: Collection[str]) -> Logs:
    """Look at what frames topics hold in partition 0, and how fast the newest minute of it came.

    Empty where Kafka does not tell now, as while a partition has no leader.
    """
    if not names:
        return Logs()
    at = [TopicPartition(name, 0) for name in names]
    try:
        sizes, free_bytes = _log_sizes(admin, names)
        first = admin.list_partition_offsets(dict.fromkeys(at, OffsetSpec.EARLIEST))
        end = admin.list_partition_offsets(dict.fromkeys(at, OffsetSpec.LATEST))
        rates = _rates(admin, [one for one in at if end[one].offset > first[one].offset])
    except KafkaError:
        return Logs()
    stored = {
        one.topic: Stored(
            first[one].offset, end[one].offset, sizes.get(one.topic), rates.get(one.topic)
        )
        for one in at
    }
    return Logs(stored, free_bytes)


def _log_sizes(
    admin: KafkaAdminClient, names: Collection[str]
) -> tuple[dict[str, int], int | None]:
    """Return bytes stored by topic, and the room on the fullest disk; nothing if it is not given.

    Of several replicas the largest counts: the others are behind it.
    """
    sizes: dict[str, int] = {}
    free: list[int] = []
    for broker in admin.describe_log_dirs({name: [0] for name in names}):
        for folder in broker["log_dirs"]:
            if folder.get("usable_bytes", -1) >= 0:
                free.append(folder["usable_bytes"])
            for topic in folder["topics"]:
                taken = max((one["partition_size"] for one in topic["partitions"]), default=0)
                sizes[topic["name"]] = max(taken, sizes.get(topic["name"], 0))
    return sizes, min(free, default=None)


def _rates(admin: KafkaAdminClient, at: Collection[TopicPartition]) -> dict[str, float]:
    """Return frames a second by topic, of those with several frames in their newest minute."""
    if not at:
        return {}
    newest = admin.list_partition_offsets(dict.fromkeys(at, OffsetSpec.MAX_TIMESTAMP))
    since = {one: max(newest[one].timestamp - RATE_WINDOW_MS, 0) for one in at}
    oldest = admin.list_partition_offsets(since)
    return {
        one.topic: 1000 * (newest[one].offset - oldest[one].offset) / span_ms
        for one in at
        if (span_ms := newest[one].timestamp - oldest[one].timestamp) > 0
    }


def read_group(admin: KafkaAdminClient, name: str, topics: Collection[str]) -> Group | None:
    """Look at a group and at what it has committed in partition 0 of topics.

    Returns None where no broker coordinates it within COORDINATED_S.
    """
    deadline_s = time.monotonic() + COORDINATED_S
    while True:
        try:
            return _group(admin, name, topics)
        except GroupAuthorizationFailedError:
            return Group(name, frozenset())
        except RetriableError:  # as while the coordinator is chosen, or loads its groups
            if time.monotonic() > deadline_s:
                return None
        time.sleep(COORDINATED_S / 10)


def _group(admin: KafkaAdminClient, name: str, topics: Collection[str]) -> Group:
    described = admin.describe_groups([name])[name]
    asked = {name: [TopicPartition(topic, 0) for topic in topics]}
    committed = admin.list_group_offsets(asked)[name] if topics else {}
    operations = described["authorized_operations"]
    return Group(
        name,
        frozenset(operations) if operations else None,
        {at.topic: found.offset for at, found in committed.items() if found.offset >= 0},
    )
