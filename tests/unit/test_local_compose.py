"""The containers of compose.yaml: the servers of the embedded stack, and our services."""

from typing import Any

import pytest
import yaml

from consumer.settings import ConsumerSettings
from local.prepare import kafka_server, mediamtx_server
from local.servers.kafka_broker import PROPERTIES
from local.servers.seaweedfs import SETTINGS
from local.stack import CHECKOUT
from postproc.settings import PostprocSettings
from producer.settings import ProducerSettings
from runtime.settings import ENV_PREFIX, KafkaSettings
from runtime.streams_file import parse_streams
from viewer.settings import ViewerSettings, parse_targets

OURS: list[tuple[str, type[KafkaSettings]]] = [
    ("producer", ProducerSettings),
    ("consumer", ConsumerSettings),
    ("postproc", PostprocSettings),
    ("viewer", ViewerSettings),
]


@pytest.fixture
def document() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHECKOUT / "compose.yaml").read_text(encoding="utf-8"))
    return found


@pytest.fixture
def services(document: dict[str, Any]) -> dict[str, Any]:
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


def test_the_s3_server_in_its_container_has_the_settings_of_the_embedded_one(
    services: dict[str, Any],
) -> None:
    given = dict(argument[1:].partition("=")[::2] for argument in services["s3"]["command"][1:])
    shared = given.keys() & SETTINGS.keys()
    assert {"filer", "s3", "s3.iam", "s3.autoCreateBucket", "master.peers"} <= shared
    assert all((given[name] or "true") == SETTINGS[name] for name in shared)


@pytest.mark.parametrize(("name", "settings_class"), OURS)
def test_our_services_take_what_their_containers_are_told(
    services: dict[str, Any], name: str, settings_class: type[KafkaSettings]
) -> None:
    told = {
        variable.removeprefix(ENV_PREFIX).lower(): setting
        for variable, setting in services[name]["environment"].items()
        if variable.startswith(ENV_PREFIX)
    }
    assert told.keys() <= settings_class.model_fields.keys()
    settings = settings_class.model_validate(told)
    assert settings.kafka_bootstrap_servers == "kafka:19092"
    assert (CHECKOUT / services[name]["build"]["dockerfile"]).is_file()


def test_the_producer_reads_the_camera_of_its_neighbour(document: dict[str, Any]) -> None:
    (stream,) = parse_streams(document["configs"]["streams"]["content"].encode(), {})
    assert document["services"]["camera"]["command"] == ["--url", stream.url]
    (mounted,) = document["services"]["producer"]["configs"]
    assert (
        mounted["target"]
        == (document["services"]["producer"]["environment"]["FRAMERAIL_STREAMS_FILE"])
    )


def test_the_viewer_asks_its_neighbours_for_their_metrics(services: dict[str, Any]) -> None:
    targets = parse_targets(services["viewer"]["environment"]["FRAMERAIL_METRICS_URLS"])
    assert [target.name for target in targets] == ["producer", "consumer", "postproc"]
    for target in targets:
        assert target.host == target.name
        image = (CHECKOUT / services[target.name]["build"]["dockerfile"]).read_text()
        assert f"FRAMERAIL_HTTP_PORT={target.port} " in image


def test_one_pair_of_keys_is_given_to_the_s3_server_and_to_those_who_use_it(
    services: dict[str, Any],
) -> None:
    keys = services["s3"]["environment"]
    assert keys.keys() == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    for name in ("postproc", "viewer"):
        assert keys.items() <= services[name]["environment"].items()


def test_every_service_waits_for_servers_that_are_there(services: dict[str, Any]) -> None:
    needed = {need for service in services.values() for need in service.get("depends_on", {})}
    assert needed == {"kafka", "rtsp", "s3", "triton"}


def test_every_published_port_stays_on_this_machine(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_no_image_floats(services: dict[str, Any]) -> None:
    images = [service["image"] for service in services.values() if "image" in service]
    assert not [image for image in images if ":" not in image or image.endswith(":latest")]
