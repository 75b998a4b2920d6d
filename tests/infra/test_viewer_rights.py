"""The viewer's user at the broker reads what the page shows, and can change nothing."""

from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka.errors import (
    AuthorizationError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

from contracts.names import RESULTS_TOPIC
from runtime.errors import DependencyError
from runtime.kafka_clients import (
    admin_client,
    connection_options,
    open_consumer,
    open_producer,
)
from runtime.log_reader import LogReader
from runtime.settings import KafkaSettings
from runtime.topics import deadletter_spec, ensure_topics, frames_spec, results_spec
from tests.infra.recording import Program
from tests.infra.running_broker import VIEWER_PASSWORD, RunningBroker

RESULTS = TopicPartition(RESULTS_TOPIC, 0)
VIEWER = {"FRAMERAIL_KAFKA_USERNAME": "viewer", "FRAMERAIL_KAFKA_PASSWORD": VIEWER_PASSWORD}


@pytest.fixture
def viewer(broker: RunningBroker) -> KafkaSettings:
    """The viewer's settings, at a broker that has every topic, and a result that is stored."""
    services = broker.settings()
    specs = [results_spec(services), deadletter_spec(services), frames_spec(services, "cam1")]
    ensure_topics(services, specs)
    producer = open_producer(services, "test", max_value_bytes=2**20, linger_ms=0)
    stored = producer.send(RESULTS_TOPIC, b"a batch").get(20).offset + 1
    producer.close()
    postproc = open_consumer(services, "test", group_id=services.postproc_group)
    postproc.assign([RESULTS])
    postproc.commit({RESULTS: OffsetAndMetadata(stored, "", -1)})
    postproc.close()
    return broker.settings(**VIEWER)


@pytest.fixture
def admin(viewer: KafkaSettings) -> Iterator[KafkaAdminClient]:
    with admin_client(viewer) as connected:
        yield connected


def test_it_reads_results_without_a_group(viewer: KafkaSettings) -> None:
    reader = LogReader(viewer, "viewer")
    span = reader.span(RESULTS_TOPIC)
    read = [record.value for record in reader.records(RESULTS_TOPIC, span.end - 1, span.end)]
    reader.close()
    assert read == [b"a batch"]


def test_it_sees_how_far_the_pictures_are(viewer: KafkaSettings, admin: KafkaAdminClient) -> None:
    found = admin.list_group_offsets({viewer.postproc_group: None})[viewer.postproc_group]
    assert set(found) == {RESULTS}
    assert found[RESULTS].offset > 0


def test_it_sees_no_topic_but_results(admin: KafkaAdminClient) -> None:
    assert set(admin.list_topics()) == {RESULTS_TOPIC}


@pytest.mark.parametrize("topic", ["frames.cam1", "deadletter"])
def test_it_reads_no_frames_and_no_dead_letters(viewer: KafkaSettings, topic: str) -> None:
    reader = LogReader(viewer, "viewer")
    with pytest.raises(DependencyError, match="TopicAuthorizationFailed"):
        reader.span(topic)
    reader.close()


def test_it_writes_nothing(viewer: KafkaSettings) -> None:
    # Ours would be refused before it sends: an idempotent one has to be allowed to write something.
    producer = KafkaProducer(**connection_options(viewer), enable_idempotence=False)
    with pytest.raises(TopicAuthorizationFailedError):
        producer.send(RESULTS_TOPIC, b"a lie").get(20)
    producer.close()


def test_it_makes_no_topic(viewer: KafkaSettings, admin: KafkaAdminClient) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        admin.create_topics({"results.more": {"num_partitions": 1, "replication_factor": 1}})


def test_it_cannot_say_that_pictures_are_stored(viewer: KafkaSettings) -> None:
    consumer = open_consumer(viewer, "viewer", group_id=viewer.postproc_group)
    consumer.assign([RESULTS])
    with pytest.raises(GroupAuthorizationFailedError):
        consumer.commit({RESULTS: OffsetAndMetadata(10**6, "", -1)})
    consumer.close(autocommit=False)


def test_it_cannot_take_results_away_from_the_post_processor(viewer: KafkaSettings) -> None:
    consumer = open_consumer(viewer, "viewer", group_id=viewer.postproc_group)
    consumer.subscribe([RESULTS_TOPIC])
    with pytest.raises(GroupAuthorizationFailedError):
        consumer.poll(timeout_ms=10_000)
    consumer.close(autocommit=False)


def test_other_groups_are_none_of_its_business(admin: KafkaAdminClient) -> None:
    with pytest.raises(AuthorizationError):
        admin.list_group_offsets({"consumer": [RESULTS]})


def test_the_secret_of_its_pod_holds_its_own_password(program: Program) -> None:
    secrets = {each.name: each.depends_on for each in program.of("core/v1:Secret")}

    def passwords(name: str) -> set[str]:
        return {urn.rpartition("::")[2] for urn in secrets[name] if "RandomPassword" in urn}

    assert passwords("framerail-kafka") == {"framerail-password"}
    assert passwords("framerail-kafka-viewer") == {"viewer-password"}
