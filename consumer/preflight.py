"""What has to hold before the consumer starts: its topics and group, its batches, the model."""

from collections.abc import Sequence

from kafka import KafkaConsumer

from consumer.settings import FRAME_RESULT_BYTES, ConsumerSettings
from consumer.triton import ModelSignature, message_limit_bytes
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, admin_client
from runtime.preflight.facts import FrameLoad, KafkaFacts, TopicLimits, measured_loads
from runtime.preflight.findings import Finding, skipped, softened
from runtime.preflight.kafka_facts import frames_topics, read_kafka
from runtime.preflight.machine import memory_limit_bytes
from runtime.preflight.retention import RETENTION, lag, retention, tightest_first
from runtime.preflight.sizes import (
    Fetching,
    Memory,
    fetch,
    grpc_message,
    memory,
    model_batch,
    produce_request,
    replication_fetch,
    result_size,
)
from runtime.preflight.topics import (
    Use,
    fit_for_use,
    group_rights,
    one_partition,
    replication_factor,
)
from runtime.topics import (
    deadletter_limit_bytes,
    deadletter_spec,
    frames_spec,
    prepare_topics,
    results_spec,
)

PROCESS_BYTES = 150 * 1000 * 1000
"""The process itself, resident, hardly a frame in it: 144 to 150 MB, measured."""
INPUT_BYTES = 300 * 300 * 3
"""One image as SSD's model takes it, RGB, uint8."""
IMAGE_COPIES = 3
"""Of a batch of images at once: as decoded, as raw bytes of the request, as its message."""


def prepared(settings: ConsumerSettings) -> list[Finding]:
    """Make the topics that are missing; return what is found of all that lies in Kafka.

    Raises DependencyError if no broker answers.
    """
    with admin_client(settings) as admin:
        frames = frames_topics(admin)
        own = [results_spec(settings), deadletter_spec(settings)]
        topics = prepare_topics(admin, settings, own, frames)
        facts = read_kafka(admin, topics.topics, frames, [settings.consumer_group])
    loads = measured_loads(facts.logs)
    # One camera's topic that is amiss must not keep the frames of the others from being read.
    of_frames = [
        *of_frames_topics(settings, facts, frames),
        *of_traffic(settings, facts, loads, memory_limit_bytes()),
    ]
    return [*topics.findings, *own_part(settings, facts), *softened(of_frames)]


def own_part(settings: ConsumerSettings, facts: KafkaFacts) -> list[Finding]:
    """Judge what settings and systems decide, whatever frames come."""
    uses = [
        Use(spec.name, ("DESCRIBE", "WRITE"), spec.max_message_bytes)
        for spec in (results_spec(settings), deadletter_spec(settings))
    ]
    user, factor = settings.kafka_username, settings.topic_replication_factor
    request_bytes = deadletter_limit_bytes(settings) + RECORD_OVERHEAD_BYTES
    return [
        *fit_for_use(uses, facts.topics, factor, user),
        replication_factor(facts.brokers.alive, factor),
        produce_request("consumer", request_bytes, facts.brokers),
        group_rights(settings.consumer_group, facts.groups, user),
    ]


def of_frames_topics(
    settings: ConsumerSettings, facts: KafkaFacts, names: Sequence[str]
) -> list[Finding]:
    """Judge the topics that frames are read from."""
    uses = [Use(name, ("DESCRIBE", "READ")) for name in names]
    topics = [facts.topics.present[name] for name in names if name in facts.topics.present]
    user, factor = settings.kafka_username, settings.topic_replication_factor
    return [
        *fit_for_use(uses, facts.topics, factor, user),
        *(one_partition(topic) for topic in topics),
    ]


def of_traffic(
    settings: ConsumerSettings, facts: KafkaFacts, loads: Sequence[FrameLoad], memory_bytes: int
) -> list[Finding]:
    """Judge what the frames that come, or are expected, decide; the tightest of a kind first."""
    if not loads:
        return []
    kept = [_retention(settings, facts, load) for load in loads]
    behind = [one for load in loads if (one := _lag(settings, facts, load)) is not None]
    copied = [
        one
        for load in loads
        if (topic := facts.topics.present.get(load.stream)) is not None
        if (one := replication_fetch(load, topic, facts.brokers)) is not None
    ]
    bare_bytes = settings.batch_size * FRAME_RESULT_BYTES
    pictures = pictures_chosen(settings.evidence, settings.batch_size)
    return [
        *tightest_first(kept, "held_s"),
        *tightest_first(behind, "left_s"),
        *(fetch(load, fetching(settings)) for load in loads),
        *copied,
        *(result_size(one, pictures, bare_bytes, settings.max_result_bytes) for one in loads),
        memory(batch_memory(settings, loads), memory_bytes),
    ]


def of_model(settings: ConsumerSettings, signature: ModelSignature) -> list[Finding]:
    """Judge whether a full batch goes through the model's door."""
    name, size_wh = signature.name, signature.input_wh
    return [
        model_batch(name, signature.max_batch_size, settings.batch_size),
        grpc_message(name, size_wh, settings.batch_size, message_limit_bytes()),
    ]


def fetching(settings: ConsumerSettings) -> Fetching:
    """Return how the consumer fetches; what it leaves open is kafka-python's."""
    return Fetching(
        settings.max_frame_bytes + RECORD_OVERHEAD_BYTES,
        KafkaConsumer.DEFAULT_CONFIG["fetch_max_bytes"],
        settings.batch_size,
    )


def pictures_chosen(evidence: str, batch_size: int) -> int:
    """Return how many pictures of a full batch `evidence` chooses at most."""
    if evidence == "all":
        return batch_size
    kind, _, count = evidence.partition(":")
    return min(int(count), batch_size) if kind == "spread" else 1


def batch_memory(settings: ConsumerSettings, loads: Sequence[FrameLoad]) -> Memory:
    """Return what the consumer holds at most: fetched, gathered and at the model.

    Each stream has one fetch and one open batch; batches in flight are taken to be the largest.
    With streams of 87 and 895 kB a frame this gives 268 MB; 276 were seen.
    """
    partition_bytes = fetching(settings).partition_bytes
    batches = [settings.batch_size * load.mean_bytes for load in loads]
    images_bytes = settings.batch_size * INPUT_BYTES * IMAGE_COPIES
    in_flight = settings.max_batches_in_flight
    parts = [
        (f"fetches of {len(loads)} stream(s)", float(partition_bytes * len(loads))),
        ("open batches", sum(batches)),
        (f"{in_flight} batches in flight", in_flight * (max(batches) + images_bytes)),
    ]
    remedy = "FRAMERAIL_MAX_BATCHES_IN_FLIGHT, FRAMERAIL_BATCH_SIZE or FRAMERAIL_MAX_FRAME_BYTES"
    return Memory("consumer", PROCESS_BYTES, parts, remedy)


def _limits(settings: ConsumerSettings, facts: KafkaFacts, stream: str) -> TopicLimits | None:
    """Return the limits of a stream's topic as it is, or as it would be made; None if hidden."""
    topic = facts.topics.present.get(stream)
    return frames_spec(settings, "any").limits if topic is None else topic.limits


def _retention(settings: ConsumerSettings, facts: KafkaFacts, load: FrameLoad) -> Finding:
    limits = _limits(settings, facts, load.stream)
    if limits is None:
        why = f"DescribeConfigs on topic {load.stream} is not given"
        return skipped(RETENTION, load.stream, why)
    is_made = load.stream in facts.topics.present
    return retention(load, limits, settings.preflight_outage_s, is_made=is_made)


def _lag(settings: ConsumerSettings, facts: KafkaFacts, load: FrameLoad) -> Finding | None:
    limits = _limits(settings, facts, load.stream)
    stored = facts.logs.stored.get(load.stream)
    groups = [one for one in facts.groups if one.name == settings.consumer_group]
    if limits is None or stored is None or not groups:
        return None
    committed = groups[0].committed.get(load.stream)
    return lag(load, limits, stored, committed)
