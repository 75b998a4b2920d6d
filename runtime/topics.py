"""Topics with the limits that our records need: made where missing, checked where present."""

from collections.abc import Sequence
from dataclasses import dataclass

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import TopicAlreadyExistsError

from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC, frames_topic
from runtime.errors import ConfigurationError
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, admin_client
from runtime.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as framerail needs it: sizes in bytes, times in seconds, -1 for no limit."""

    name: str
    max_message_bytes: int
    retention_s: int
    retention_bytes: int = -1

    @property
    def configs(self) -> dict[str, str]:
        """The topic's settings, in Kafka's words."""
        return {
            "max.message.bytes": str(self.max_message_bytes),
            "retention.ms": str(self.retention_s * 1000),
            "retention.bytes": str(self.retention_bytes),
            # Small enough that retention, which drops whole segments, follows its limit closely.
            "segment.bytes": str(64 * 1024 * 1024),
        }


def frames_spec(settings: KafkaSettings, stream_id: str) -> TopicSpec:
    """Return the topic of one stream's frames. One partition: a stream keeps its order."""
    return TopicSpec(
        frames_topic(stream_id),
        settings.max_frame_bytes + RECORD_OVERHEAD_BYTES,
        settings.frames_retention_s,
        settings.frames_retention_bytes,
    )


def results_spec(settings: KafkaSettings) -> TopicSpec:
    """Return the topic of the batch results."""
    limit_bytes = settings.max_result_bytes + RECORD_OVERHEAD_BYTES
    return TopicSpec(RESULTS_TOPIC, limit_bytes, settings.results_retention_s)


def deadletter_spec(settings: KafkaSettings) -> TopicSpec:
    """Return the topic of refused records: it must take the largest record of any other."""
    largest_bytes = max(settings.max_frame_bytes, settings.max_result_bytes)
    limit_bytes = largest_bytes + 2 * RECORD_OVERHEAD_BYTES
    return TopicSpec(DEADLETTER_TOPIC, limit_bytes, settings.results_retention_s)


def deadletter_limit_bytes(settings: KafkaSettings) -> int:
    """Return what the value and headers of one dead letter may take together."""
    return deadletter_spec(settings).max_message_bytes - RECORD_OVERHEAD_BYTES


def ensure_topics(settings: KafkaSettings, specs: Sequence[TopicSpec]) -> list[str]:
    """Make the topics that are missing and check the limits of the others; return those made.

    Raises ConfigurationError, with the numbers, for a topic that is missing and may not be made, or
    that takes smaller messages than ours; DependencyError if no broker answers.
    """
    with admin_client(settings) as admin:
        present = set(admin.list_topics())
        missing = [spec for spec in specs if spec.name not in present]
        if missing and not settings.create_topics:
            names = ", ".join(spec.name for spec in missing)
            raise ConfigurationError(
                f"topic(s) missing: {names}; make them, or set FRAMERAIL_CREATE_TOPICS=true"
            )
        for spec in missing:
            _create(admin, spec, settings.topic_replication_factor)
        _check_limits(admin, [spec for spec in specs if spec.name in present])
    return [spec.name for spec in missing]


def _create(admin: KafkaAdminClient, spec: TopicSpec, replication_factor: int) -> None:
    topic = {
        "num_partitions": 1,
        "replication_factor": replication_factor,
        "configs": spec.configs,
    }
    try:
        admin.create_topics({spec.name: topic}, wait_for_metadata=True)
    except TopicAlreadyExistsError:
        return  # another replica of this service was faster


def _check_limits(admin: KafkaAdminClient, specs: Sequence[TopicSpec]) -> None:
    if not specs:
        return
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, spec.name, {"max.message.bytes": None})
        for spec in specs
    ]
    found = admin.describe_configs(resources, config_filter="all")["topic"]
    for spec in specs:
        limit_bytes = int(found[spec.name]["max.message.bytes"]["value"])
        if limit_bytes < spec.max_message_bytes:
            raise ConfigurationError(
                f"topic {spec.name} takes messages of {limit_bytes} bytes, but ours need "
                f"{spec.max_message_bytes}; raise its max.message.bytes, or lower "
                "FRAMERAIL_MAX_FRAME_BYTES or FRAMERAIL_MAX_RESULT_BYTES"
            )
