"""The real servers, each started once for all integration tests by the embedded stack.

Each fixture yields the `EmbeddedStack` of its server: `kafka.addresses.kafka_bootstrap`,
`rtsp_server.addresses.rtsp_url`, `triton.addresses.triton_grpc`, `s3.addresses.s3_endpoint` with
`s3.access_key` and `s3.workspace.credentials_file`.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.stack import CHECKOUT, EmbeddedStack, StackPorts
from local.supervisor import Supervisor
from local.workspace import Workspace

CACHE = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail")) / "cache"


def pytest_configure(config: pytest.Config) -> None:
    """Let kafka-python 3.0 be imported: its `read_text` calls `open_text`, and each one warns.

    Python 3.13 took the deprecation back, so it is no sign of anything to come.
    """
    config.addinivalue_line(
        "filterwarnings", "ignore:open_text is deprecated:DeprecationWarning:importlib.resources"
    )


def say(name: str, detail: str) -> None:
    """Show progress: the first preparation of a server takes minutes."""
    sys.stderr.write(f"{name}: {detail}\n")


@contextmanager
def running(root: Path, server: str) -> Iterator[EmbeddedStack]:
    stack = EmbeddedStack(Workspace(root, CACHE), StackPorts.choose(), (server,))
    parts = stack.prepare(say)
    with Supervisor(stack.workspace, say) as supervisor:
        supervisor.start(parts, stack.addresses_by_name())
        yield stack


@pytest.fixture(scope="session")
def server_cache() -> Path:
    """Where prepared servers are kept between runs."""
    return CACHE


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """A real Kafka broker; topics are not made by themselves."""
    with running(tmp_path_factory.mktemp("kafka"), "kafka") as stack:
        yield stack


@pytest.fixture(scope="session")
def rtsp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """A real RTSP server on which anyone may publish and read any path."""
    with running(tmp_path_factory.mktemp("rtsp"), "mediamtx") as stack:
        yield stack


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """A real S3 server without buckets."""
    with running(tmp_path_factory.mktemp("s3"), "seaweedfs") as stack:
        yield stack


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """A real Triton with the project's model repository loaded."""
    with running(tmp_path_factory.mktemp("triton"), "triton") as stack:
        yield stack
