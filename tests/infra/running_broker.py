"""The broker of the user data, started here: the same scripts, jars and properties.

Only what is EC2's own differs: downloads, the volume, and the secrets, which come from SSM there.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from broker import broker_environment
from cloud_init import BROKER_FILES, user_data
from naming import Names

from local.ports import free_ports
from local.prepare.cache import build_once
from local.prepare.commands import run_tool
from local.prepare.kafka_server import POM, VERSION, prepare_kafka
from local.stack import CHECKOUT
from runtime.settings import KafkaSettings, load_settings
from tests.infra.certificates import make_certificates
from tests.infra.unpacked import write_files

CACHE = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail")) / "cache"
HOST = "127.0.0.1"
PASSWORD = "Pa55wordOfTheServices"
VIEWER_PASSWORD = "Pa55wordOfTheViewer"
BROKER_PASSWORD = "Pa55wordOfBrokers"
START_WITHIN_S = 40
RUN_WITHIN_S = 120
# Those of the recorded program: test_user_data.py compares.
SECRET_NAMES = (
    "key",
    "certificate",
    "ca",
    "broker-password",
    "framerail-password",
    "viewer-password",
)
KAFKA_TOOLS = f"-Dartifact=org.apache.kafka:kafka-tools:{VERSION}"


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

    def settings(self, **changed: str) -> KafkaSettings:
        """The services' settings for this broker."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (self.client_environment | changed).items():
                patch.setenv(name, value)
            return load_settings(KafkaSettings)

    def run(self, script: str, **changed: str) -> None:
        """Run one of its scripts to its end, as its unit does."""
        environment = shell(self.environment | changed)
        subprocess.run(
            command(self.environment, script), env=environment, check=True, timeout=RUN_WITHIN_S
        )


def kafka_tools() -> Path:
    """The jar of Kafka's own commands, fetched by Maven the first time."""

    def fetch(folder: Path) -> None:
        goal = ("dependency:copy", KAFKA_TOOLS, f"-DoutputDirectory={folder}")
        run_tool("kafka-tools", ("mvn", "-B", "-ntp", "--file", str(POM), *goal), say_nothing)

    return build_once(CACHE, f"kafka-acls-{VERSION}", fetch, say_nothing) / (
        f"kafka-tools-{VERSION}.jar"
    )


def say_nothing(_step: str, _detail: str) -> None:
    """Fit where somebody wants to hear of progress."""


def environment_here(root: Path) -> dict[str, str]:
    """The environment of EC2 with paths and addresses of this machine; everything else as it is."""
    names = Names("framerail", "test", "owner")
    there = broker_environment(names, "ap-south-1", "vol-0123", SECRET_NAMES)
    kafka = prepare_kafka(CACHE, say_nothing)
    clients_port, controller_port = free_ports(2)
    for folder in ("run", "libs"):
        (root / folder).mkdir()
    for jar in (*kafka.jars.glob("*.jar"), kafka_tools()):
        (root / "libs" / jar.name).symlink_to(jar)
    return there | {
        "SECRETS": str(root / "run"),
        "SCRIPTS": str(root / there["SCRIPTS"].lstrip("/")),
        "KAFKA_RECORDS": str(root / "records"),
        "KAFKA_LIBS": str(root / "libs"),
        "KAFKA_HEAP": "384m",
        "JAVA": str(kafka.java),
        "ADVERTISED_HOST": HOST,
        "BIND_HOST": HOST,
        "CLIENTS_PORT": str(clients_port),
        "CONTROLLER_PORT": str(controller_port),
        "CONTROLLER_VOTERS": f"1@{HOST}:{controller_port}",
    }


def command(environment: dict[str, str], script: str) -> list[str]:
    return [str(Path(environment["SCRIPTS"]) / script)]


def shell(environment: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **environment}


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline_s = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            socket.create_connection((HOST, port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the broker does not run: {log.read_text()[-3000:]}")


def configured_broker(root: Path) -> RunningBroker:
    """Put the user data and secrets below `root`, and run the script that configures."""
    names = Names("framerail", "test", "owner")
    write_files(user_data(BROKER_FILES, broker_environment(names, "r", "vol-0123", ())), root)
    environment = environment_here(root)
    broker = RunningBroker(environment, Path(environment["SECRETS"]), root / "kafka.log")
    made = make_certificates(root / "certificates", "broker", HOST)
    passwords = (BROKER_PASSWORD, PASSWORD, VIEWER_PASSWORD)
    values = (made.key, made.certificate, made.root, *passwords)
    for name, value in zip(SECRET_NAMES, values, strict=True):
        (broker.secrets / name).write_text(value, encoding="ascii")
    broker.run("kafka_configure.sh")
    return broker


@contextmanager
def running_broker(root: Path) -> Iterator[RunningBroker]:
    """Configure and start a broker below `root`, and give the rights, for the length of a block."""
    broker = configured_broker(root)
    run, give = (command(broker.environment, name) for name in ("kafka_run.sh", "kafka_acls.sh"))
    environment = shell(broker.environment)
    with broker.log.open("wb") as output:
        process = subprocess.Popen(run, env=environment, stdout=output, stderr=output)
    # As systemd does: beside a broker that is only starting.
    giving = subprocess.Popen(give, env=environment)
    try:
        wait_for_port(process, broker.port, broker.log)
        assert giving.wait(RUN_WITHIN_S) == 0
        yield broker
    finally:
        giving.kill()
        giving.wait()
        process.terminate()
        process.wait(30)
