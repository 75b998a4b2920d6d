"""Start the launcher as its users do, and stop it with everything that it started."""

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import tritonclient.grpc as triton

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = ROOT / "serving" / "launch.py"
START_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running tritonserver."""

    process: subprocess.Popen[bytes]
    http: str
    grpc: str
    metrics: str
    log: Path

    def children(self) -> list[psutil.Process]:
        """Return the processes beside tritonserver: one per model instance, and the guard."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def stubs(self) -> list[psutil.Process]:
        """Return the processes of the model instances."""
        return [child for child in self.children() if "stub" in child.name()]

    def shared_memory(self) -> list[Path]:
        """Return the shared memory regions of this server, and of no other one."""
        flag = "--backend-config=python,shm-region-prefix-name="
        arguments = psutil.Process(self.process.pid).cmdline()
        (prefix,) = [a.removeprefix(flag) for a in arguments if a.startswith(flag)]
        return [*Path("/dev/shm").glob(f"{prefix}*")]  # noqa: S108 - where Triton puts them


def wait_until(is_true: Callable[[], bool], deadline_s: float, what: str) -> None:
    """Return when the condition holds; fail the test after the deadline."""
    end = time.monotonic() + deadline_s
    while not is_true():
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        time.sleep(0.02)


def command(python: Path, repository: Path, ports: list[int], *more: str) -> list[str]:
    """Return the launcher's command line with its three ports: HTTP, gRPC, metrics."""
    names = ("--http-port", "--grpc-port", "--metrics-port")
    listening = [f"{name}={port}" for name, port in zip(names, ports, strict=True)]
    return [str(python), str(LAUNCHER), f"--model-repository={repository}", *listening, *more]


def free_ports() -> list[int]:
    """Return three ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in range(3)]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]


@contextlib.contextmanager
def started(python: Path, repository: Path, log: Path, *more: str) -> Iterator[Server]:
    """Yield a server that says it is ready; stop it with SIGTERM."""
    ports = free_ports()
    http, grpc, metrics = (f"127.0.0.1:{port}" for port in ports)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(python, repository, ports, *more),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=repository,  # away from the sources, which must not be found by chance
        )
    server = Server(process, f"http://{http}", grpc, f"http://{metrics}", log)
    try:
        wait_until(lambda: is_ready(server), START_DEADLINE_S, f"ready\n{log.read_text()[-4000:]}")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=40)


def is_ready(server: Server) -> bool:
    """Tell whether the server answers that its models are loaded; fail if it has ended."""
    assert server.process.poll() is None, server.log.read_text()[-4000:]
    try:
        return httpx.get(f"{server.http}/v2/health/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def connected(server: Server) -> Iterator[triton.InferenceServerClient]:
    """Yield a gRPC client."""
    client = triton.InferenceServerClient(server.grpc)
    try:
        yield client
    finally:
        client.close()
