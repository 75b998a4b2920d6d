"""What the user data puts onto the broker runs, and lets in whom it should."""

import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from local.stack import CHECKOUT
from runtime.kafka_clients import open_consumer, open_producer
from runtime.topics import deadletter_spec, ensure_topics, results_spec
from tests.infra.certificates import make_certificates
from tests.infra.running_broker import HOST, PASSWORD, RunningBroker

GOT_IN = "got in"
ATTEMPT = f"""
import logging
from runtime.kafka_clients import open_producer
from runtime.settings import KafkaSettings, load_settings

logging.basicConfig()
open_producer(load_settings(KafkaSettings), "attempt", 1024, 0).close()
print("{GOT_IN}")
"""


def test_the_pipeline_makes_its_topics_writes_and_reads_over_tls_and_scram(
    broker: RunningBroker,
) -> None:
    settings = broker.settings()
    ensure_topics(settings, [results_spec(settings), deadletter_spec(settings)])
    producer = open_producer(settings, "test", max_value_bytes=2**20, linger_ms=0)
    sent = producer.send("results", b"a batch", key=b"cam1").get(20)
    producer.close()
    consumer = open_consumer(settings, "test", group_id="consumer")
    consumer.subscribe(["results"])
    received = consumer.poll(timeout_ms=20_000)
    consumer.close()
    assert [record.value for records in received.values() for record in records] == [b"a batch"]
    assert sent.offset == 0


def attempt(broker: RunningBroker, **changed: str) -> str:
    """Return all that a client with these settings says, in a process of its own.

    kafka-python leaves the sockets of a failed start to the garbage collector, which warns.
    """
    environment = {**os.environ, **broker.client_environment, **changed}
    told = subprocess.run(
        (sys.executable, "-c", ATTEMPT), env=environment, cwd=CHECKOUT, capture_output=True
    )
    return (told.stdout + told.stderr).decode()


def test_the_right_password_gets_in(broker: RunningBroker) -> None:
    assert GOT_IN in attempt(broker)


def test_a_wrong_password_is_refused(broker: RunningBroker) -> None:
    said = attempt(broker, FRAMERAIL_KAFKA_PASSWORD="guess")
    assert GOT_IN not in said
    # The broker's own word, "invalid credentials", reaches the client unless it hangs up first.
    assert "refuses user 'framerail'" in said or "no Kafka broker answered" in said


def test_a_client_without_tls_is_refused(broker: RunningBroker) -> None:
    said = attempt(broker, FRAMERAIL_KAFKA_SECURITY_PROTOCOL="PLAINTEXT")
    assert GOT_IN not in said
    assert "no Kafka broker answered" in said


def test_a_password_is_not_taken_without_tls(broker: RunningBroker) -> None:
    said = attempt(broker, FRAMERAIL_KAFKA_SECURITY_PROTOCOL="SASL_PLAINTEXT")
    assert GOT_IN not in said
    assert "no Kafka broker answered" in said


def test_tls_without_a_password_is_refused(broker: RunningBroker) -> None:
    said = attempt(broker, FRAMERAIL_KAFKA_SECURITY_PROTOCOL="SSL")
    assert GOT_IN not in said
    assert "no Kafka broker answered" in said


def test_a_client_that_trusts_another_authority_refuses_this_broker(
    broker: RunningBroker, tmp_path: Path
) -> None:
    make_certificates(tmp_path, "broker", HOST)
    said = attempt(broker, FRAMERAIL_KAFKA_CA_FILE=str(tmp_path / "root.pem"))
    assert GOT_IN not in said
    assert "CERTIFICATE_VERIFY_FAILED" in said


def test_the_controllers_listener_asks_for_a_certificate(broker: RunningBroker) -> None:
    context = ssl.create_default_context(cafile=str(broker.secrets / "ca"))
    port = int(broker.environment["CONTROLLER_PORT"])
    with (
        socket.create_connection((HOST, port), 5) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as channel,
    ):
        channel.settimeout(10)
        # TLS 1.3 tells of the missing certificate at the first reading.
        with pytest.raises(ssl.SSLError, match=r"BAD_CERTIFICATE|CERTIFICATE_REQUIRED"):
            channel.recv(1)


def test_configuring_again_keeps_the_records(broker: RunningBroker) -> None:
    identity = Path(broker.environment["KAFKA_RECORDS"], "meta.properties")
    before = identity.read_bytes()
    broker.run("kafka_configure.sh")
    assert identity.read_bytes() == before
    assert f"cluster.id={broker.environment['CLUSTER_ID']}" in before.decode()


def test_no_other_user_can_read_the_secrets_and_no_log_holds_them(broker: RunningBroker) -> None:
    written = {path.name: path.stat().st_mode & 0o077 for path in broker.secrets.iterdir()}
    made_by_the_script = {"kafka.properties", "keystore.pem", "truststore.pem"}
    assert {written[name] for name in made_by_the_script} == {0}
    assert "format.args" not in written
    assert PASSWORD not in broker.log.read_text()
