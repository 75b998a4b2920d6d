"""Apache Kafka from its Maven jars, with a formatted log folder to start each broker from."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from local.errors import PrepareError
from local.part import Report
from local.prepare import toolchains
from local.prepare.cache import build_once
from local.prepare.commands import run_tool

VERSION = "4.3.1"
POM = Path(__file__).with_name("kafka-pom.xml")
# Any 16 bytes in base64 do: clusters of different workspaces never meet.
CLUSTER_ID = "ZnJhbWVyYWlsLWxvY2FsMQ"
FORMAT_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:9093
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093
log.dirs={folder}
"""


@dataclass(frozen=True, slots=True)
class KafkaInstallation:
    """`java` runs the broker, `jars` is its class path, `formatted` a fresh log folder to copy."""

    java: Path
    jars: Path
    formatted: Path


def prepare_kafka(cache: Path, report: Report) -> KafkaInstallation:
    """Return an installed Kafka, downloaded (about 44 MB) the first time.

    Raises PrepareError if Java or Maven is missing, or the download fails.
    """
    java = toolchains.find(toolchains.JAVA, cache, report)
    name = f"kafka-{VERSION}"
    home = build_once(cache, name, lambda folder: _build(folder, java, report), report)
    return KafkaInstallation(java=java, jars=home / "libs", formatted=home / "formatted")


def _build(folder: Path, java: Path, report: Report) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise PrepareError(
            "mvn is not on PATH; it fetches the jars of Apache Kafka. "
            "Install Maven 3.6 or newer (Debian: apt-get install maven)"
        )
    report("kafka", f"fetching Apache Kafka {VERSION} with Maven")
    # The POM is copied because Maven writes beside it.
    shutil.copyfile(POM, folder / "pom.xml")
    fetch = ("dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs")
    run_tool(
        "kafka",
        (maven, "-B", "-ntp", "-Dstyle.color=never", *fetch),
        report,
        working_directory=folder,
        environment={"JAVA_HOME": str(java.resolve().parents[1])},
    )
    _format(folder, java, report)


def _format(folder: Path, java: Path, report: Report) -> None:
    # Once here, not at each first start of a workspace: it is a JVM of its own, 1.2 s.
    properties = folder / "format.properties"
    formatted = folder / "formatted"
    properties.write_text(FORMAT_PROPERTIES.format(folder=formatted), encoding="utf-8")
    # The controller's address is configuration here (a static quorum), not written into the log
    # folder as `--standalone` would, so a later start may listen on other ports.
    jvm = (str(java), "-XX:TieredStopAtLevel=1", "-cp", f"{folder / 'libs'}/*")
    format_folder = ("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties))
    run_tool("kafka", (*jvm, *format_folder), report)
