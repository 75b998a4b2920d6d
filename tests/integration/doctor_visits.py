"""The doctor's command as its user runs it, and the servers that it visits."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from local.ports import HOST
from local.servers.mediamtx import RtspReader
from local.stack import CHECKOUT, EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from producer.camera import QUICK_PROBE
from tests.infra.certificates import make_certificates

PASSWORDS = ("hush-hush", "wrong-one")
QUICK = {"FRAMERAIL_CONNECT_TIMEOUT_S": "2", "FRAMERAIL_STALL_TIMEOUT_S": "2"}
PROGRAM = """
import sys, typer
from ops.doctor.command import doctor
from runtime.cli import run_command
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(doctor)
sys.exit(run_command("framerail", app))
"""


@dataclass(frozen=True)
class Visit:
    """What the command said and how it ended."""

    code: int
    document: dict[str, Any]
    messages: str

    @property
    def problem(self) -> str | None:
        return None if self.document["problem"] is None else self.document["problem"]["code"]

    @property
    def warnings(self) -> set[str]:
        return {warning["code"] for warning in self.document["warnings"]}

    @property
    def measured(self) -> dict[str, Any]:
        figures: dict[str, Any] = self.document["measured"]
        return figures


def run_doctor(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        cwd=CHECKOUT,
        env=os.environ | QUICK | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in run.stderr, run.stderr
    for password in PASSWORDS:
        assert password not in run.stdout + run.stderr
    return run


def visit(url: str, *arguments: str, **environment: str) -> Visit:
    run = run_doctor(url, "--json", *arguments, **environment)
    document = json.loads(run.stdout.splitlines()[-1]) if run.stdout else {}
    return Visit(run.returncode, document, run.stderr)


def can_be_read(url: str) -> bool:
    try:
        with av.open(url, options=QUICK_PROBE | {"rtsp_transport": "tcp"}, timeout=5):
            return True
    except FFmpegError:
        return False


@contextmanager
def guarded_server(folder: Path, cache: Path) -> Iterator[EmbeddedStack]:
    """An RTSP server that only `viewer` with the password may read."""
    reader = RtspReader("viewer", "hush-hush")
    ports = StackPorts.choose()
    stack = EmbeddedStack(Workspace(folder, cache), ports, ("mediamtx",), reader=reader)
    parts = stack.prepare(say_nothing)
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts, stack.addresses_by_name())
        yield stack


def udp_ports_in_a_row() -> tuple[int, int, int, int]:
    """Return four free ports, the first even as RTP wants it (RFC 3550, 11)."""
    for first in range(20_000, 32_000, 4):
        with ExitStack() as bound:
            try:
                for port in range(first, first + 4):
                    bound.enter_context(socket.socket(type=socket.SOCK_DGRAM)).bind((HOST, port))
            except OSError:
                continue
        return first, first + 1, first + 2, first + 3
    raise AssertionError("no four free ports in a row")


@contextmanager
def server_with_udp_and_tls(folder: Path, cache: Path, tls_port: int) -> Iterator[EmbeddedStack]:
    """MediaMTX with what the embedded stack leaves off."""
    stack = EmbeddedStack(Workspace(folder, cache), StackPorts.choose(), ("mediamtx",))
    parts = stack.prepare(say_nothing)
    make_certificates(folder / "tls", "camera", HOST)
    rtp, rtcp, srtp, srtcp = udp_ports_in_a_row()
    written = stack.workspace.configuration / "mediamtx.yml"
    settings = json.loads(written.read_text()) | {
        "rtspTransports": ["udp", "tcp"],
        "rtpAddress": f"{HOST}:{rtp}",
        "rtcpAddress": f"{HOST}:{rtcp}",
        "srtpAddress": f"{HOST}:{srtp}",
        "srtcpAddress": f"{HOST}:{srtcp}",
        "rtspEncryption": "optional",
        "rtspsAddress": f"{HOST}:{tls_port}",
        "rtspServerCert": str(folder / "tls" / "broker.pem"),
        "rtspServerKey": str(folder / "tls" / "broker.key"),
    }
    written.write_text(json.dumps(settings))
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts, stack.addresses_by_name())
        yield stack
