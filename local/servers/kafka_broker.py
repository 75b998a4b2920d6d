"""One Apache Kafka node (KRaft, broker and controller in one) on the loopback interface."""

import os
import shutil
from pathlib import Path

from local.part import Part, Restart
from local.ports import HOST
from local.prepare.kafka_server import KafkaInstallation
from local.probes import kafka_has_brokers
from local.workspace import Workspace

# Measured on two cores to the open port: 4.4 s with the JVM's own choice, 2.6 s with these; 280 MB
# resident instead of 320. The page cache, not the heap, holds the records.
JVM_FLAGS = (
    "-Xms64m",
    "-Xmx384m",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xss512k",
    "-XX:+ExitOnOutOfMemoryError",
)
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
log.dirs={folder}
auto.create.topics.enable=false
message.max.bytes=4194304
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
default.replication.factor=1
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""
LOGGING = """\
Configuration:
  Appenders:
    Console:
      name: console
      PatternLayout:
        pattern: "%d{ISO8601} %-5p %c{1}: %m%n"
  Loggers:
    Root:
      level: info
      AppenderRef:
        - ref: console
    Logger:
      # Thousands of lines of settings at each start.
      - name: org.apache.kafka.common.config.AbstractConfig
        level: warn
      - name: kafka.server.KafkaConfig
        level: warn
"""


def kafka_part(
    workspace: Workspace, installation: KafkaInstallation, port: int, controller_port: int
) -> Part:
    """Write the broker's configuration and return its part, ready once topics can be made.

    Records survive restarts, also onto other ports, and being killed.
    """
    folder = workspace.storage / "kafka"
    properties = PROPERTIES.format(
        host=HOST, port=port, controller_port=controller_port, folder=folder
    )
    return Part(
        name="kafka",
        argv=_command(workspace.configuration, installation, properties),
        ready=lambda: kafka_has_brokers(port),
        ports=(port, controller_port),
        before_start=lambda: _format_once(folder, installation.formatted),
        grace_s=10.0,
        restart=Restart(),
    )


def _command(
    configuration: Path, installation: KafkaInstallation, properties: str
) -> tuple[str, ...]:
    """Write the broker's files into the folder `configuration`; return what runs it with them."""
    settings = configuration / "kafka.properties"
    settings.write_text(properties, encoding="utf-8")
    logging = configuration / "kafka-log4j2.yaml"
    logging.write_text(LOGGING, encoding="utf-8")
    return (
        str(installation.java),
        *JVM_FLAGS,
        f"-Dlog4j2.configurationFile={logging}",
        *("-cp", f"{installation.jars}/*"),
        *("kafka.Kafka", str(settings)),
    )


def _format_once(folder: Path, formatted: Path) -> None:
    if not folder.exists():
        draft = folder.with_name(".kafka.draft")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(formatted, draft)
        os.rename(draft, folder)
