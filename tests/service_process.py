"""One of our services as a real process, seen through its exit code, its log and its health."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from local.stack import CHECKOUT


class ServiceProcess:
    """`python -m MODULE`."""

    def __init__(self, module: str, environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                cwd=CHECKOUT,
                env=dict(environment),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the log lines of one event; a line that is still being written is left out."""
        lines = self.output().splitlines(keepends=True)
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
        return [event for event in found if event["event"] == name]

    def is_ready(self) -> bool:
        """Ask /readyz; not before the process has said where it listens."""
        return self._get("/readyz").status_code == httpx.codes.OK if self._is_listening() else False

    def is_healthy(self) -> bool:
        """Ask /healthz, as `is_ready` does."""
        return (
            self._get("/healthz").status_code == httpx.codes.OK if self._is_listening() else False
        )

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels."""
        text = self._get("/metrics").text
        return sum(float(n) for n in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))

    def send(self, which: signal.Signals) -> None:
        self._process.send_signal(which)

    def stop(self, which: signal.Signals = signal.SIGTERM) -> int:
        """Signal the process and return its exit code."""
        self.send(which)
        return self.exit_code()

    def exit_code(self, within_s: float = 60) -> int:
        return self._process.wait(timeout=within_s)

    def end(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _is_listening(self) -> bool:
        return bool(self.events("service.started"))

    def _get(self, path: str) -> httpx.Response:
        port = self.events("service.started")[0]["http_port"]
        return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5)


@contextmanager
def running_service(
    module: str, environment: Mapping[str, str], log: Path
) -> Iterator[ServiceProcess]:
    """Run a service for the length of a block; kill it if it has not ended by then."""
    process = ServiceProcess(module, environment, log)
    try:
        yield process
    finally:
        process.end()
