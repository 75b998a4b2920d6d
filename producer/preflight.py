"""What has to hold before the producer starts: its topics, its requests, its clock, its memory."""

from collections.abc import Sequence

from producer.settings import ProducerSettings
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, admin_client
from runtime.logs import Logger
from runtime.preflight.clocks import KAFKA_TOLERATES_S, kafka_clock
from runtime.preflight.facts import FrameLoad, KafkaFacts, measured_loads
from runtime.preflight.findings import Finding, pass_or_refuse, softened
from runtime.preflight.kafka_facts import read_kafka
from runtime.preflight.machine import memory_limit_bytes
from runtime.preflight.retention import disk
from runtime.preflight.sizes import Memory, frame_size, memory, produce_request
from runtime.preflight.topics import Use, fit_for_use, one_partition, replication_factor
from runtime.topics import TopicSpec, prepare_topics

OPERATIONS = ("DESCRIBE", "WRITE")
PROCESS_BYTES = 120 * 1000 * 1000
"""The process itself, with one camera of 768x576: 117 MB resident, measured."""


def prepared(settings: ProducerSettings, specs: Sequence[TopicSpec], log: Logger) -> None:
    """Make the topics that are missing and check what concerns the producer.

    Raises ConfigurationError with every refused finding, DependencyError if no broker answers.
    """
    with admin_client(settings) as admin:
        topics = prepare_topics(admin, settings, specs)
        facts = read_kafka(admin, topics.topics, [spec.name for spec in specs], ())
    loads = measured_loads(facts.logs)
    found = [*topics.findings, *own_part(settings, specs, facts)]
    found += softened(of_traffic(settings, facts, loads, memory_limit_bytes()))
    pass_or_refuse(found, log)


def own_part(
    settings: ProducerSettings, specs: Sequence[TopicSpec], facts: KafkaFacts
) -> list[Finding]:
    """Judge what settings and systems decide, whatever frames come."""
    uses = [Use(spec.name, OPERATIONS, spec.max_message_bytes) for spec in specs]
    user, factor = settings.kafka_username, settings.topic_replication_factor
    present = [
        facts.topics.present[spec.name] for spec in specs if spec.name in facts.topics.present
    ]
    request_bytes = settings.max_frame_bytes + RECORD_OVERHEAD_BYTES
    found = fit_for_use(uses, facts.topics, factor, user)
    found += [one_partition(topic) for topic in present]
    found.append(replication_factor(facts.brokers.alive, factor))
    found.append(produce_request("producer", request_bytes, facts.brokers))
    after_s = [topic.limits.timestamp_after_max_s for topic in present if topic.limits is not None]
    if facts.clock_ahead_s is not None:
        found.append(kafka_clock(facts.clock_ahead_s, min(after_s, default=KAFKA_TOLERATES_S)))
    return found


def of_traffic(
    settings: ProducerSettings,
    facts: KafkaFacts,
    loads: Sequence[FrameLoad],
    memory_bytes: int,
) -> list[Finding]:
    """Judge what the frames that come, or are expected, decide."""
    found = [frame_size(load, settings.max_frame_bytes) for load in loads]
    waiting = settings.buffer_frames + settings.max_in_flight
    held = sum(load.mean_bytes for load in loads) * waiting
    if loads:
        parts = [(f"{waiting} frames of each stream", held)]
        remedy = "FRAMERAIL_BUFFER_FRAMES or FRAMERAIL_MAX_IN_FLIGHT"
        found.append(memory(Memory("producer", PROCESS_BYTES, parts, remedy), memory_bytes))
    full = disk(facts.topics.present.values(), facts.logs)
    return found if full is None else [*found, full]
