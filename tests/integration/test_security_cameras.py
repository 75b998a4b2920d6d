"""Cameras over TLS: read where their certificate is trusted, and named where it is not."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ports import HOST
from local.stack import EmbeddedStack
from ops.options import DEMO_VIDEO
from tests.integration.producer_process import Eventually, camera, producing
from tests.integration.secured_servers import Authority, SecuredCameras, secured_cameras


@pytest.fixture(scope="module")
def cameras(
    tmp_path_factory: pytest.TempPathFactory, server_cache: Path
) -> Iterator[SecuredCameras]:
    root = tmp_path_factory.mktemp("rtsps")
    with (
        secured_cameras(root, server_cache, Authority.make(root / "authority")) as running,
        camera(DEMO_VIDEO, f"{running.plain.addresses.rtsp_url}/cam"),
    ):
        yield running


def stream(host: str, port: int) -> dict[str, str]:
    return {"id": f"c{uuid.uuid4().hex[:8]}", "url": f"rtsps://{host}:{port}/cam"}


def test_a_camera_whose_certificate_is_trusted_is_read(
    cameras: SecuredCameras, kafka: EmbeddedStack, tmp_path: Path, eventually: Eventually
) -> None:
    chosen = stream(HOST, cameras.port)
    trust = {"FRAMERAIL_CAMERA_CA_FILE": str(cameras.authority.ca_file)}
    with producing(tmp_path, kafka.addresses.kafka_bootstrap, [chosen], **trust) as producer:
        eventually(lambda: producer.published(chosen["id"]) > 5, "frames flow", 30)
        assert producer.events("stream.certificate_unchecked") == []


@pytest.mark.parametrize("host", [HOST, "localhost"])
def test_a_camera_of_another_authority_or_name_is_not_read_and_the_reason_is_told(
    cameras: SecuredCameras,
    kafka: EmbeddedStack,
    tmp_path: Path,
    eventually: Eventually,
    host: str,
) -> None:
    other = Authority.make(tmp_path / "other")
    ca_file = other.ca_file if host == HOST else cameras.authority.ca_file
    chosen = stream(host, cameras.port)
    trust = {"FRAMERAIL_CAMERA_CA_FILE": str(ca_file)}
    with producing(tmp_path, kafka.addresses.kafka_bootstrap, [chosen], **trust) as producer:
        eventually(lambda: bool(producer.events("stream.lost")), "it is refused", 30)
        reason = producer.events("stream.lost")[0]["reason"]
        assert producer.published(chosen["id"]) == 0
    assert reason.startswith("its certificate is not trusted: ")


def test_without_an_authority_a_camera_is_read_and_that_it_was_not_checked_is_told(
    cameras: SecuredCameras, kafka: EmbeddedStack, tmp_path: Path, eventually: Eventually
) -> None:
    chosen = stream(HOST, cameras.port)
    with producing(tmp_path, kafka.addresses.kafka_bootstrap, [chosen]) as producer:
        eventually(lambda: producer.published(chosen["id"]) > 5, "frames flow", 30)
        assert len(producer.events("stream.certificate_unchecked", stream=chosen["id"])) == 1
