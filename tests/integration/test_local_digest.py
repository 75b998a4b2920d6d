"""A camera that takes digest authentication only is read with its password, and not without."""

import base64
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.servers.mediamtx import RtspReader
from local.stack import EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from tests.integration.producer_process import Eventually, camera, producing
from tests.producer_clips import ClipSpec, write_clip


@pytest.fixture(scope="module")
def digest_server(
    tmp_path_factory: pytest.TempPathFactory, server_cache: Path
) -> Iterator[EmbeddedStack]:
    """An RTSP server that `viewer` may read with the password `hush`, by digest alone."""
    stack = EmbeddedStack(
        Workspace(tmp_path_factory.mktemp("digest"), server_cache),
        StackPorts.choose(),
        ("mediamtx",),
        reader=RtspReader("viewer", "hush", methods=("digest",)),
    )
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(stack.prepare(say_nothing))
        yield stack


def describe(port: int, *headers: str) -> str:
    """Return the server's answer to DESCRIBE."""
    request = [f"DESCRIBE rtsp://127.0.0.1:{port}/cam RTSP/1.0", "CSeq: 1", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        connection.sendall("\r\n".join(request).encode("ascii"))
        return connection.recv(4096).decode("ascii")


def test_the_right_password_sent_in_the_clear_is_not_taken(digest_server: EmbeddedStack) -> None:
    port = digest_server.ports.rtsp
    assert 'WWW-Authenticate: Digest realm="' in describe(port)
    assert "Basic" not in describe(port)
    in_the_clear = base64.b64encode(b"viewer:hush").decode("ascii")
    assert describe(port, f"Authorization: Basic {in_the_clear}").startswith("RTSP/1.0 401")


def test_the_producer_publishes_with_the_right_password_and_is_refused_with_a_wrong_one(
    tmp_path: Path, digest_server: EmbeddedStack, kafka: EmbeddedStack, eventually: Eventually
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", ClipSpec())
    address = digest_server.addresses.rtsp_url.removeprefix("rtsp://")
    streams = [
        {"id": "digest-refused", "url": f"rtsp://viewer:wrong-one@{address}/cam"},
        {"id": "digest", "url": f"rtsp://viewer:hush@{address}/cam"},
    ]
    with (
        camera(clip, f"rtsp://{address}/cam"),
        producing(tmp_path, kafka.addresses.kafka_bootstrap, streams) as producer,
    ):
        eventually(lambda: producer.published("digest") > 5, "frames flow", 30)
        eventually(
            lambda: bool(producer.events("stream.lost", stream="digest-refused")), "refused", 20
        )
        lost = producer.events("stream.lost", stream="digest-refused")[0]
        assert "refused the user or password" in lost["reason"]
        assert producer.published("digest-refused") == 0
        assert producer.stop() == 0
