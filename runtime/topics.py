"""Topics with the limits that our records need: made where missing, checked where present."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from kafka import KafkaAdminClient
from kafka.errors import NoError, RetriableError, TopicAlreadyExistsError, for_code

from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC, frames_topic
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES, admin_client
from runtime.preflight.facts import TopicLimits, Topics
from runtime.preflight.findings import Finding, require
from runtime.preflight.kafka_facts import read_topics
from runtime.preflight.topics import Use, fit_for_use, missing_topic
from runtime.settings import KafkaSettings

SEGMENT_BYTES = 64 * 1024 * 1024
"""Small enough that retention, which drops whole segments, follows its limit closely."""


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
            "segment.bytes": str(SEGMENT_BYTES),
        }

    @property
    def limits(self) -> TopicLimits:
        """The topic's settings as rules judge them; what we leave open does not bound us."""
        return TopicLimits(
            max_message_bytes=self.max_message_bytes,
            retention_s=self.retention_s,
            retention_bytes=None if self.retention_bytes < 0 else self.retention_bytes,
            segment_bytes=SEGMENT_BYTES,
            min_in_sync=1,
            timestamp_after_max_s=float("inf"),
        )


def frames_spec(settings: KafkaSettings, stream_id: str) -> TopicSpec:
    """Return the topic of one stream's frames. One partition: a stream keeps its order."""
    return TopicSpec(
        frames_topic(stream_id),
        settings.max_frame_bytes + RECORD_OVERHEAD_BYTES,
        settings.frames_retention_s,
        settings.frames_retention_bytes,
    )


def results_spec(settings: KafkaSettings, topic: str = RESULTS_TOPIC) -> TopicSpec:
    """Return the topic of the batch results, or that of a replay's."""
    limit_bytes = settings.max_result_bytes + RECORD_OVERHEAD_BYTES
    return TopicSpec(topic, limit_bytes, settings.results_retention_s)


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
        prepared = prepare_topics(admin, settings, specs)
    uses = [Use(spec.name, ("DESCRIBE",), spec.max_message_bytes) for spec in specs]
    factor, user = settings.topic_replication_factor, settings.kafka_username
    require([*prepared.findings, *fit_for_use(uses, prepared.topics, factor, user)])
    return prepared.made


@dataclass(frozen=True, slots=True)
class PreparedTopics:
    """The topics as they are now, those that were made, and what is wrong with missing ones."""

    topics: Topics
    made: list[str]
    findings: list[Finding]


def prepare_topics(
    admin: KafkaAdminClient,
    settings: KafkaSettings,
    specs: Sequence[TopicSpec],
    others: Collection[str] = (),
    *,
    is_trial: bool = False,
) -> PreparedTopics:
    """Look at the topics of `specs` and at `others`, and make those of `specs` that are missing.

    A trial makes nothing, but lets the brokers say whether they would.
    """
    names = [*(spec.name for spec in specs), *others]
    topics = read_topics(admin, names)
    missing = [
        spec for spec in specs if spec.name not in topics.present and spec.name not in topics.hidden
    ]
    outcome = _Outcome()
    if missing and settings.create_topics:
        outcome = _make(admin, missing, settings.topic_replication_factor, is_trial=is_trial)
    findings = [
        missing_topic(spec.name, settings.create_topics, outcome.troubles.get(spec.name))
        for spec in missing
        if is_trial or not settings.create_topics or spec.name in outcome.troubles
    ]
    if is_trial or not missing:
        return PreparedTopics(topics, [], findings)
    return PreparedTopics(read_topics(admin, names), outcome.made, findings)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The topics that were made, and why others could not be, by name."""

    made: list[str] = field(default_factory=list)
    troubles: dict[str, str] = field(default_factory=dict)


def _make(
    admin: KafkaAdminClient,
    specs: Sequence[TopicSpec],
    replication_factor: int,
    *,
    is_trial: bool = False,
) -> _Outcome:
    """Make topics, or only ask whether they could be; one that is there by now is neither."""
    asked = {
        spec.name: {
            "num_partitions": 1,
            "replication_factor": replication_factor,
            "configs": spec.configs,
        }
        for spec in specs
    }
    outcome = _Outcome()
    told = admin.create_topics(asked, validate_only=is_trial, raise_errors=False)["topics"]
    for topic in told:
        trouble = for_code(topic["error_code"])
        if trouble is NoError:
            outcome.made.append(topic["name"])
        elif issubclass(trouble, RetriableError):
            raise trouble(topic["error_message"])
        elif trouble is not TopicAlreadyExistsError:  # else a replica of ours was faster
            outcome.troubles[topic["name"]] = f"{topic['error_message']} ({trouble.__name__})"
    if not is_trial:
        admin.wait_for_topics([name for name in asked if name not in outcome.troubles])
    return outcome
