"""No process of the embedded stack can be reached from another machine."""

import ipaddress
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil
import pytest

from local.stack import SERVERS
from local.workspace import Workspace
from tests.integration.local_processes import stack_process
from tests.service_process import running_service

Eventually = Callable[[Callable[[], bool], str, float], None]


def listening(pids: Iterable[int]) -> dict[str, str]:
    """Return who listens, by `address:port`, TCP and UDP, IPv4 and IPv6."""
    found = {}
    for pid in pids:
        process = psutil.Process(pid)
        for held in process.net_connections("inet"):
            is_open = held.status == psutil.CONN_LISTEN or (
                held.type == socket.SOCK_DGRAM and not held.raddr
            )
            if is_open and held.laddr:
                found[f"{held.laddr.ip}|{held.laddr.port}"] = process.name()
    return found


def reachable(found: dict[str, str]) -> dict[str, str]:
    """Return those of the listeners that are not bound to this machine alone."""
    return {place: name for place, name in found.items() if not is_loopback(place.split("|")[0])}


def is_loopback(text: str) -> bool:
    address = ipaddress.ip_address(text)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1", True), ("::ffff:127.0.0.1", True), ("::1", True), ("::", False)],
)
def test_what_counts_as_this_machine_alone(text: str, expected: bool) -> None:
    assert is_loopback(text) is expected
    assert not is_loopback("0.0.0.0")  # noqa: S104 - the very address that must not be found


def test_every_server_of_the_stack_listens_on_this_machine_alone(
    tmp_path: Path, server_cache: Path
) -> None:
    with stack_process(Workspace(tmp_path / "home", server_cache), *SERVERS) as stack:
        found = listening(mark.pid for mark in stack.processes())
        addresses = stack.state().addresses
    ports = {place.split("|")[1] for place in found}
    # Kafka and its controller, RTSP, eight of SeaweedFS, three of Triton.
    assert len(ports) >= 14, found
    for address in addresses.values():
        assert address.split("/metrics")[0].rsplit(":", 1)[1] in ports
    assert reachable(found) == {}


def test_the_web_page_of_a_service_is_on_this_machine_alone_unless_told_otherwise(
    tmp_path: Path, eventually: Eventually
) -> None:
    environment = os.environ | {
        "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "FRAMERAIL_LOG_FORMAT": "json",
    }
    with running_service("consumer", environment, tmp_path / "log") as consumer:
        eventually(lambda: bool(consumer.events("service.started")), "it listens", 20)
        found = listening([consumer.pid])
    assert len(found) == 1
    assert reachable(found) == {}
