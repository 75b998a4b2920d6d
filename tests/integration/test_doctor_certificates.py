"""`framerail doctor` trusts the cameras over TLS that the producer trusts, and no others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ports import HOST
from ops.options import DEMO_VIDEO
from tests.integration.doctor_visits import can_be_read, visit
from tests.integration.producer_process import Eventually, camera
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


def test_a_camera_whose_certificate_the_producer_trusts_is_watched(
    cameras: SecuredCameras, eventually: Eventually
) -> None:
    url = f"rtsps://{HOST}:{cameras.port}/cam"
    eventually(lambda: can_be_read(url), "it is published", 20)
    trust = str(cameras.authority.ca_file)
    found = visit(url, "--seconds", "2", FRAMERAIL_CAMERA_CA_FILE=trust)
    assert found.code == 0, found.messages
    assert found.measured["frames"] > 0


@pytest.mark.parametrize("host", [HOST, "localhost"])
def test_a_certificate_of_another_authority_or_name_is_the_problem_that_is_told(
    cameras: SecuredCameras, tmp_path: Path, eventually: Eventually, host: str
) -> None:
    url = f"rtsps://{host}:{cameras.port}/cam"
    eventually(lambda: can_be_read(url), "it is published", 20)
    other = Authority.make(tmp_path / "other")
    ca_file = other.ca_file if host == HOST else cameras.authority.ca_file
    found = visit(url, FRAMERAIL_CAMERA_CA_FILE=str(ca_file))
    assert (found.code, found.problem) == (3, "untrusted"), found.messages
    assert "its certificate is not trusted: " in found.messages
    assert "FRAMERAIL_CAMERA_CA_FILE" in found.document["problem"]["next_step"]
