"""Rules on topics and groups: there, ours to use, large enough, in one partition, replicated."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from runtime.preflight.facts import Group, Topic, Topics
from runtime.preflight.findings import Finding, judged, skipped

LIMIT, PARTITIONS, REPLICAS, RIGHTS, PRESENCE = (
    "topic message size",
    "topic partitions",
    "topic replicas",
    "Kafka rights",
    "topic presence",
)


@dataclass(frozen=True, slots=True)
class Use:
    """What a service does with a topic: the operations, and the largest record if it writes any."""

    topic: str
    operations: tuple[str, ...]
    record_bytes: int | None = None


def fit_for_use(
    uses: Iterable[Use], topics: Topics, factor: int, user: str | None
) -> list[Finding]:
    """Judge the topics of a service that are there; `factor` is how many copies are asked for."""
    findings = []
    for use in uses:
        topic = topics.present.get(use.topic)
        if topic is not None:
            findings.append(topic_rights(topic, use.operations, user))
            findings.append(replicas(topic, factor))
            if use.record_bytes is not None:
                findings.append(message_size(topic, use.record_bytes))
        elif use.topic in topics.hidden:
            findings.append(hidden_topic(use.topic, use.operations, user))
    return findings


def message_size(topic: Topic, needed_bytes: int) -> Finding:
    """Judge whether a topic takes our largest record, of `needed_bytes`."""
    if topic.limits is None:
        return skipped(LIMIT, topic.name, f"DescribeConfigs on topic {topic.name} is not given")
    limit_bytes = topic.limits.max_message_bytes
    return judged(
        LIMIT,
        topic.name,
        f"topic {topic.name} takes messages of {limit_bytes} bytes, ours need {needed_bytes}",
        "raise its max.message.bytes, or lower FRAMERAIL_MAX_FRAME_BYTES or "
        "FRAMERAIL_MAX_RESULT_BYTES",
        refused=limit_bytes < needed_bytes,
        limit_bytes=limit_bytes,
        needed_bytes=needed_bytes,
    )


def one_partition(topic: Topic) -> Finding:
    """Judge a frames topic: frames of one stream keep their order in one partition only."""
    return judged(
        PARTITIONS,
        topic.name,
        f"topic {topic.name} has {topic.partitions} partition(s), a stream keeps its order in 1",
        "delete the topic, which will be made anew: Kafka takes no partitions away",
        refused=topic.partitions != 1,
        partitions=topic.partitions,
    )


def replicas(topic: Topic, factor: int) -> Finding:
    """Judge whether writes can be acknowledged by as many replicas as are wanted.

    `factor` is how many copies the settings ask for.
    """
    least = 1 if topic.limits is None else topic.limits.min_in_sync
    return judged(
        REPLICAS,
        topic.name,
        f"topic {topic.name} has {topic.in_sync} of {topic.replicas} replica(s) in sync; "
        f"min.insync.replicas is {least}, FRAMERAIL_TOPIC_REPLICATION_FACTOR {factor}",
        "bring the missing brokers back, or lower its min.insync.replicas"
        if topic.in_sync < max(least, topic.replicas)
        else "reassign the topic, which keeps the replicas it was made with",
        refused=topic.in_sync < least,
        warned=topic.in_sync < topic.replicas or topic.replicas < factor,
        replicas=topic.replicas,
        in_sync=topic.in_sync,
        min_in_sync=least,
        wanted=factor,
    )


def replication_factor(alive: int, factor: int) -> Finding:
    """Judge whether enough brokers live for the copies that are asked for."""
    return judged(
        REPLICAS,
        "brokers",
        f"{alive} broker(s) live, FRAMERAIL_TOPIC_REPLICATION_FACTOR is {factor}",
        "start the missing brokers, or lower FRAMERAIL_TOPIC_REPLICATION_FACTOR",
        warned=factor > alive,
        alive=alive,
        wanted=factor,
    )


def topic_rights(topic: Topic, needed: Iterable[str], user: str | None) -> Finding:
    """Judge whether we may do what is `needed` (READ, WRITE) with a topic."""
    return _rights(f"topic {topic.name}", topic.name, topic.operations, needed, user)


def hidden_topic(name: str, needed: Iterable[str], user: str | None) -> Finding:
    """Tell of a topic that we may not even look at, whether it is there or not."""
    return _rights(f"topic {name}", name, frozenset(), needed, user)


def group_rights(name: str, groups: Iterable[Group], user: str | None) -> Finding:
    """Judge whether we may join a group and commit in it."""
    group = next((one for one in groups if one.name == name), None)
    if group is None:
        return skipped(RIGHTS, name, f"no broker tells of group {name} now, or of any yet")
    if group.operations is None:
        said = f"group {group.name} is not there yet: a first start makes it"
        return judged(RIGHTS, group.name, said, "")
    return _rights(f"group {group.name}", group.name, group.operations, ("READ",), user)


def _rights(
    resource: str,
    subject: str,
    given: Collection[str],
    needed: Iterable[str],
    user: str | None,
) -> Finding:
    wanted = tuple(needed)
    absent = [operation.capitalize() for operation in wanted if operation not in given]
    who = "everybody" if user is None else f"user {user!r}"
    all_of_it = " and ".join(operation.capitalize() for operation in wanted)
    return judged(
        RIGHTS,
        subject,
        f"{' and '.join(absent)} on {resource} is not given to {who}"
        if absent
        else f"{all_of_it} on {resource} is given",
        f"allow it: kafka-acls.sh --add --allow-principal User:{user or 'ANONYMOUS'} "
        + " ".join(f"--operation {operation}" for operation in absent)
        + f" --{resource}",
        refused=bool(absent),
        missing=", ".join(absent),
    )


def missing_topic(name: str, may_create: bool, trouble: str | None) -> Finding:
    """Judge a topic that is not there; `trouble` is what a trial of making it met, if anything."""
    if trouble is not None:
        return judged(
            PRESENCE,
            name,
            f"topic {name} is missing and cannot be made: {trouble}",
            "heal that, or make the topic with an account that may: python -m producer.topics",
            refused=True,
        )
    return judged(
        PRESENCE,
        name,
        f"topic(s) missing: {name}" + ("; it is made at the start" if may_create else ""),
        "make it with python -m producer.topics, or set FRAMERAIL_CREATE_TOPICS=true",
        refused=not may_create,
    )
