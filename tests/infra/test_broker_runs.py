"""What the user data puts onto the broker is run here: the same scripts, jars and properties.

Only what is EC2's own differs: downloads, the volume, and the secrets, which come from SSM there.
"""

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from broker import SECRET_NAMES, broker_environment
from cloud_init import BROKER_FILES, user_data
from naming import Names

from local.ports import free_ports
from local.prepare.kafka_server import prepare_kafka
from local.stack import CHECKOUT
from runtime.kafka_clients import open_consumer, open_producer
from runtime.settings import KafkaSettings, load_settings
from runtime.topics import deadletter_spec, ensure_topics, results_spec
from tests.infra.certificates import make_certificates
from tests.infra.unpacked import write_files

CACHE = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail")) / "cache"
HOST = "127.0.0.1"
PASSWORD = "Pa55wordOfTheServices"
START_WITHIN_S = 40
GOT_IN = "got in"
ATTEMPT = f"""
import logging
from runtime.kafka_clients import open_producer
from runtime.settings import KafkaSettings, load_settings

logging.basicConfig()
open_producer(load_settings(KafkaSettings), "attempt", 1024, 0).close()
print("{GOT_IN}")
"""


@dataclass(frozen=True)
class RunningBroker:
    environment: dict[str, str]
    secrets: Path
    log: Path

    @property
    def port(self) -> int:
        return int(self.environment["CLIENTS_PORT"])

    @property
    def client_environment(self) -> dict[str, str]:
        return {
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": f"{HOST}:{self.port}",
            "FRAMERAIL_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "FRAMERAIL_KAFKA_USERNAME": "framerail",
            "FRAMERAIL_KAFKA_PASSWORD": PASSWORD,
            "FRAMERAIL_KAFKA_CA_FILE": str(self.secrets / "ca"),
            "FRAMERAIL_KAFKA_START_TIMEOUT_S": "4",
        }


def environment_here(root: Path) -> dict[str, str]:
    """The environment of EC2 with paths and addresses of this machine; everything else as it is."""
    there = broker_environment(Names("framerail", "test", "owner"), "ap-south-1", "vol-0123")
    kafka = prepare_kafka(CACHE, lambda _part, _detail: None)
    clients_port, controller_port = free_ports(2)
    (root / "run").mkdir()
    return there | {
        "SECRETS": str(root / "run"),
        "SCRIPTS": str(root / there["SCRIPTS"].lstrip("/")),
        "KAFKA_DATA": str(root / "records"),
        "KAFKA_LIBS": str(kafka.jars),
        "KAFKA_HEAP": "384m",
        "JAVA": str(kafka.java),
        "ADVERTISED_HOST": HOST,
        "BIND_HOST": HOST,
        "CLIENTS_PORT": str(clients_port),
        "CONTROLLER_PORT": str(controller_port),
        "CONTROLLER_VOTERS": f"1@{HOST}:{controller_port}",
    }


def script(environment: dict[str, str], name: str) -> list[str]:
    return [str(Path(environment["SCRIPTS"]) / name)]


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline_s = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            socket.create_connection((HOST, port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the broker does not run: {log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBroker]:
    root = tmp_path_factory.mktemp("broker")
    names = Names("framerail", "test", "owner")
    write_files(user_data(BROKER_FILES, broker_environment(names, "r", "vol-0123")), root)
    environment = environment_here(root)
    secrets = Path(environment["SECRETS"])
    made = make_certificates(root / "certificates", "broker", HOST)
    values = (made.key, made.certificate, made.root, "Pa55wordOfBrokers", PASSWORD)
    for name, value in zip(SECRET_NAMES, values, strict=True):
        (secrets / name).write_text(value, encoding="ascii")
    shell = {**os.environ, **environment}
    subprocess.run(script(environment, "kafka_configure.sh"), env=shell, check=True)
    log = root / "kafka.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            script(environment, "kafka_run.sh"), env=shell, stdout=output, stderr=output
        )
    try:
        wait_for_port(process, int(environment["CLIENTS_PORT"]), log)
        yield RunningBroker(environment, secrets, log)
    finally:
        process.terminate()
        process.wait(30)


def test_the_pipeline_makes_its_topics_writes_and_reads_over_tls_and_scram(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in broker.client_environment.items():
        monkeypatch.setenv(name, value)
    settings = load_settings(KafkaSettings)
    made = ensure_topics(settings, [results_spec(settings), deadletter_spec(settings)])
    assert made == ["results", "deadletter"]
    producer = open_producer(settings, "test", max_value_bytes=2**20, linger_ms=0)
    sent = producer.send("results", b"a batch", key=b"cam1").get(20)
    producer.close()
    consumer = open_consumer(settings, "test", group_id="readers")
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
    assert "no Kafka broker answered" in said


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
    identity = Path(broker.environment["KAFKA_DATA"], "meta.properties")
    before = identity.read_bytes()
    shell = {**os.environ, **broker.environment}
    subprocess.run(script(broker.environment, "kafka_configure.sh"), env=shell, check=True)
    assert identity.read_bytes() == before
    assert f"cluster.id={broker.environment['CLUSTER_ID']}" in before.decode()


def test_no_other_user_can_read_the_secrets_and_no_log_holds_them(broker: RunningBroker) -> None:
    written = {path.name: path.stat().st_mode & 0o077 for path in broker.secrets.iterdir()}
    made_by_the_script = {"kafka.properties", "keystore.pem", "truststore.pem"}
    assert {written[name] for name in made_by_the_script} == {0}
    assert "format.args" not in written
    assert PASSWORD not in broker.log.read_text()
