"""The services over TLS and with passwords at every hop, and where the passwords do not turn up."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local.stack import EmbeddedStack
from ops.options import DEMO_VIDEO
from tests.integration.producer_process import camera
from tests.integration.secured_servers import Authority
from tests.integration.security_world import (
    SecuredWorld,
    answers,
    command_lines,
    secured_world,
    traces,
)

Eventually = Callable[[Callable[[], bool], str, float], None]
SERVICES = ("producer", "consumer", "postproc")
WRONG = "wrong-one-4711"


@pytest.fixture(scope="module")
def world(
    tmp_path_factory: pytest.TempPathFactory, server_cache: Path, triton: EmbeddedStack
) -> Iterator[SecuredWorld]:
    with secured_world(tmp_path_factory.mktemp("secured"), server_cache, triton) as made:
        yield made


def test_frames_become_pictures_and_no_secret_is_seen_anywhere_on_their_way(
    world: SecuredWorld, tmp_path: Path, eventually: Eventually
) -> None:
    with ExitStack() as running:
        running.enter_context(camera(DEMO_VIDEO, f"rtsp://{world.camera_address}"))
        services = {name: running.enter_context(world.service(name, tmp_path)) for name in SERVICES}
        eventually(lambda: len(world.pictures()) >= 2, "pictures in S3", 90)
        producer = services["producer"]
        eventually(lambda: len(producer.events("stream.lost")) >= 1, "a camera is away", 30)
        seen = {
            f"{name} {path}": text
            for name, service in services.items()
            for path, text in answers(service).items()
        }
        seen |= command_lines()
        assert [service.stop() for service in services.values()] == [0, 0, 0]
        seen |= {name: service.output() for name, service in services.items()}
    seen |= world.logs()
    assert "frames_published_total" in seen["producer /metrics"], "the right texts are searched"
    for secret in world.secrets:
        assert traces(secret, seen) == []


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"FRAMERAIL_KAFKA_PASSWORD": WRONG}, "refuses user 'pipeline'", id="password"),
        pytest.param({"FRAMERAIL_KAFKA_USERNAME": "no-one"}, "refuses user 'no-one'", id="user"),
        pytest.param({"FRAMERAIL_KAFKA_SASL_MECHANISM": "PLAIN"}, "_SASL_MECHANISM", id="method"),
        pytest.param(
            {"FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": "localhost:{port}"},
            "not valid for 'localhost'",
            id="another host's certificate",
        ),
        pytest.param(
            {"FRAMERAIL_KAFKA_CA_FILE": "{other_ca}"}, "FRAMERAIL_KAFKA_CA_FILE", id="authority"
        ),
        pytest.param({"FRAMERAIL_KAFKA_CA_FILE": "/etc/hosts"}, "no certificate", id="no PEM"),
    ],
)
def test_a_broker_that_refuses_or_is_refused_ends_the_start_at_once_and_says_why(
    world: SecuredWorld, tmp_path: Path, name: str, changes: dict[str, str], said: str
) -> None:
    other = Authority.make(tmp_path / "other")
    filled = {
        variable: value.format(port=world.kafka.port, other_ca=other.ca_file)
        for variable, value in changes.items()
    }
    # The 30 s that a start waits for a broker are not waited for.
    with world.service(name, tmp_path, **filled) as service:
        assert service.exit_code(within_s=20) == 2
        output = service.output()
    assert said in output
    assert "Traceback" not in output
    for secret in (*world.secrets, WRONG):
        assert traces(secret, {name: output}) == []


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_a_password_is_never_sent_where_the_broker_asks_for_tls(
    world: SecuredWorld, tmp_path: Path, protocol: str
) -> None:
    changes = {
        "FRAMERAIL_KAFKA_SECURITY_PROTOCOL": protocol,
        "FRAMERAIL_KAFKA_START_TIMEOUT_S": "2",
    }
    with world.service("postproc", tmp_path, **changes) as service:
        assert service.exit_code() == 3
        output = service.output()
    assert "_SECURITY_PROTOCOL" in output
    assert traces(world.kafka.password, {"output": output}) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"FRAMERAIL_S3_CA_FILE": "{other_ca}"}, "FRAMERAIL_S3_CA_FILE", id="other"),
        pytest.param({"FRAMERAIL_S3_CA_FILE": "/etc/hosts"}, "FRAMERAIL_S3_CA_FILE", id="no PEM"),
        pytest.param(
            {"FRAMERAIL_S3_ENDPOINT_URL": "https://localhost:{port}"},
            "'localhost' doesn't match",
            id="another host's certificate",
        ),
        pytest.param(
            {
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_ACCESS_KEY_ID": "{key_id}",
                "AWS_SECRET_ACCESS_KEY": WRONG,
            },
            "AWS_SECRET_ACCESS_KEY",
            id="secret",
        ),
    ],
)
def test_an_s3_server_that_is_not_to_be_trusted_is_refused_at_once(
    world: SecuredWorld, tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    other = Authority.make(tmp_path / "other")
    key_id = world.s3.plain.access_key.key_id
    filled = {
        variable: value.format(port=world.s3.port, other_ca=other.ca_file, key_id=key_id)
        for variable, value in changes.items()
    }
    with world.service("postproc", tmp_path, **filled) as service:
        assert service.exit_code(within_s=20) == 2
        output = service.output()
    assert said in output
    for secret in (*world.secrets, WRONG):
        assert traces(secret, {"output": output}) == []


def test_a_camera_that_refuses_its_password_is_named_without_it(
    world: SecuredWorld, tmp_path: Path, eventually: Eventually
) -> None:
    with (
        camera(DEMO_VIDEO, f"rtsp://{world.camera_address}"),
        world.service("producer", tmp_path, CAMERA_PASSWORD=WRONG) as producer,
    ):

        def is_refused() -> bool:
            reasons = [event["reason"] for event in producer.events("stream.lost")]
            return any("401 Unauthorized" in reason for reason in reasons)

        eventually(is_refused, "the camera refuses us", 30)
        seen = {**answers(producer), **command_lines()}
        assert producer.stop() == 0
        seen["log"] = producer.output()
    assert traces(WRONG, seen) == []
