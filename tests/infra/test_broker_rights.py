"""The services' user may do at the broker what the pipeline does, and nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import (
    AuthorizationError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)

from consumer.settings import ConsumerSettings
from contracts.names import FRAMES_PATTERN
from postproc.settings import PostprocSettings
from runtime.kafka_clients import admin_client, open_consumer, open_producer
from runtime.topics import deadletter_spec, ensure_topics, frames_spec, results_spec
from tests.infra.running_broker import BROKER_PASSWORD, RunningBroker

GROUPS = [
    ConsumerSettings.model_fields["consumer_group"].default,
    PostprocSettings.model_fields["postproc_group"].default,
]


@pytest.fixture
def services(broker: RunningBroker) -> Iterator[KafkaAdminClient]:
    with admin_client(broker.settings()) as admin:
        yield admin


@pytest.fixture
def administrator(broker: RunningBroker) -> Iterator[KafkaAdminClient]:
    """The broker's own user."""
    account = {"FRAMERAIL_KAFKA_USERNAME": "broker", "FRAMERAIL_KAFKA_PASSWORD": BROKER_PASSWORD}
    with admin_client(broker.settings(**account)) as admin:
        yield admin


def topic(name: str) -> dict[str, Any]:
    return {name: {"num_partitions": 1, "replication_factor": 1}}


def test_a_cameras_topic_is_made_written_found_and_read(broker: RunningBroker) -> None:
    settings = broker.settings()
    spec = frames_spec(settings, "gate")
    ensure_topics(settings, [spec])
    # Its limits are checked where it is there already.
    assert ensure_topics(settings, [spec]) == []
    producer = open_producer(settings, "test", max_value_bytes=2**20, linger_ms=0)
    producer.send(spec.name, b"a frame").get(20)
    producer.close()
    consumer = open_consumer(settings, "test", group_id="consumer")
    consumer.subscribe(pattern=FRAMES_PATTERN)
    received = consumer.poll(timeout_ms=20_000)
    consumer.commit()
    consumer.close()
    assert [record.value for records in received.values() for record in records] == [b"a frame"]


def test_results_and_dead_letters_have_their_topics(broker: RunningBroker) -> None:
    settings = broker.settings()
    specs = [results_spec(settings), deadletter_spec(settings)]
    ensure_topics(settings, specs)
    assert ensure_topics(settings, specs) == []


@pytest.mark.parametrize("group", GROUPS)
def test_both_services_read_in_the_group_that_they_have_by_default(
    broker: RunningBroker, group: str
) -> None:
    settings = broker.settings()
    ensure_topics(settings, [results_spec(settings)])
    consumer = open_consumer(settings, "test", group_id=group)
    consumer.subscribe(["results"])
    consumer.poll(timeout_ms=2000)
    assert consumer.assignment()
    consumer.close()


def test_another_group_is_refused(broker: RunningBroker) -> None:
    settings = broker.settings()
    ensure_topics(settings, [results_spec(settings)])
    consumer = open_consumer(settings, "test", group_id="somebody")
    consumer.subscribe(["results"])
    with pytest.raises(GroupAuthorizationFailedError):
        consumer.poll(timeout_ms=10_000)
    consumer.close(autocommit=False)


@pytest.mark.parametrize("name", ["payments", "results2", "frame", "deadletter.old"])
def test_a_topic_of_another_name_is_neither_made_nor_seen(
    services: KafkaAdminClient, administrator: KafkaAdminClient, name: str
) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        services.create_topics(topic(name))
    administrator.create_topics(topic(name), wait_for_metadata=True)
    assert name in administrator.list_topics()
    assert name not in services.list_topics()


def kafkas_answer(ask: Callable[[KafkaAdminClient], Any], admin: KafkaAdminClient) -> str:
    """What comes back: kafka-python raises some refusals, and returns others."""
    try:
        return str(ask(admin))
    except AuthorizationError as error:
        return repr(error)


def setting(kind: ConfigResourceType, name: str, key: str) -> Callable[[KafkaAdminClient], Any]:
    changed = ConfigResource(kind, name, {key: "1024"})
    return lambda admin: admin.alter_configs([changed], raise_on_unknown=False)


EVERYTHING = ACL(
    "User:framerail",
    "*",
    ACLOperation.ALL,
    ACLPermissionType.ALLOW,
    ResourcePattern(ResourceType.CLUSTER, "kafka-cluster"),
)
FORBIDDEN: dict[str, Callable[[KafkaAdminClient], Any]] = {
    "the broker's settings": setting(ConfigResourceType.BROKER, "1", "message.max.bytes"),
    "a topic's settings": setting(ConfigResourceType.TOPIC, "results", "retention.ms"),
    "a topic's end": lambda admin: admin.delete_topics(["results"]),
    "its own rights": lambda admin: admin.create_acls([EVERYTHING]),
}


@pytest.mark.parametrize("what", sorted(FORBIDDEN))
def test_what_is_there_is_not_changed(
    broker: RunningBroker, services: KafkaAdminClient, what: str
) -> None:
    settings = broker.settings()
    ensure_topics(settings, [results_spec(settings)])
    assert "AuthorizationFailedError" in kafkas_answer(FORBIDDEN[what], services)


def test_rights_that_were_given_are_not_given_again_at_each_start(broker: RunningBroker) -> None:
    # Without a Java that works it would try for ever.
    broker.run("kafka_acls.sh", JAVA="/bin/false")


def test_rights_can_be_given_twice(broker: RunningBroker) -> None:
    Path(broker.environment["KAFKA_RECORDS"], "framerail.acls").unlink()
    broker.run("kafka_acls.sh")


def test_the_password_of_the_administrator_stays_in_the_secrets_folder(
    broker: RunningBroker,
) -> None:
    assert not (broker.secrets / "broker-client.properties").exists()
    assert BROKER_PASSWORD not in broker.log.read_text()
