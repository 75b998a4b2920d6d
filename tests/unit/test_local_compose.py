"""The containers of compose.yaml are the servers of the embedded stack."""

from typing import Any

import pytest
import yaml

from local.prepare import kafka_server, mediamtx_server
from local.servers.kafka_broker import PROPERTIES
from local.stack import CHECKOUT


@pytest.fixture
def services() -> dict[str, Any]:
    document = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = document["services"]
    return found


def test_the_containers_run_the_versions_that_the_embedded_stack_runs(
    services: dict[str, Any],
) -> None:
    assert services["kafka"]["image"] == f"apache/kafka:{kafka_server.VERSION}"
    assert services["rtsp"]["image"] == f"bluenviron/mediamtx:{mediamtx_server.VERSION[1:]}"
    assert kafka_server.VERSION in kafka_server.POM.read_text(encoding="utf-8")


def test_the_broker_in_its_container_has_the_settings_of_the_embedded_one(
    services: dict[str, Any],
) -> None:
    environment = services["kafka"]["environment"]
    settings = dict(line.split("=", 1) for line in PROPERTIES.splitlines())
    for name in ("auto.create.topics.enable", "message.max.bytes", "offsets.topic.num.partitions"):
        assert environment["KAFKA_" + name.replace(".", "_").upper()] == settings[name]


def test_every_published_port_stays_on_this_machine(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_image_floats(services: dict[str, Any]) -> None:
    images = [service["image"] for service in services.values() if "image" in service]
    assert not [image for image in images if ":" not in image or image.endswith(":latest")]
