"""The real pipeline under measurement: its servers stay, its services start anew for each run."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import yaml

from bench.cpu import cpu_s_of_tree, memory_mib_of_tree
from local.part import Part, Report
from local.stack import CHECKOUT
from local.state import read_state
from local.supervisor import Supervisor
from local.workspace import Workspace
from ops.options import SERVICES, StackOptions
from ops.pipeline import Pipeline
from ops.target import Target, local_target

SETTINGS = {
    # A run ends when the last frame is inferred, however far behind live it is by then.
    "FRAMERAIL_MAX_LAG_S": "86400",
    "FRAMERAIL_RECONNECT_FIRST_S": "0.1",
    "FRAMERAIL_RECONNECT_LONGEST_S": "0.2",
    "FRAMERAIL_FRAMES_RETENTION_BYTES": str(4 * 1024**3),
    "FRAMERAIL_LOG_FORMAT": "json",
}
"""What a measurement changes; all else are the defaults."""


@dataclass
class System:
    """The servers of one workspace, and the services as they are told to run."""

    supervisor: Supervisor
    pipeline: Pipeline
    parts: Mapping[str, Part]
    streams_file: Path

    @property
    def target(self) -> Target:
        """How a client reaches it."""
        return local_target(self.pipeline.addresses, self.pipeline.workspace.credentials_file)

    def metrics_url(self, service: str) -> str:
        """Return where a service shows its metrics."""
        return self.pipeline.addresses[f"{service}_metrics"]

    def metric(self, service: str, name: str) -> float:
        """Return the sum of all series of one metric."""
        text = httpx.get(self.metrics_url(service), timeout=10).text
        lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    @contextmanager
    def running(
        self, streams: Sequence[str], services: Sequence[str] = SERVICES, **changes: str
    ) -> Iterator[None]:
        """Run services on these streams for the length of a block."""
        cameras = [{"id": name, "url": self.camera_url(name)} for name in streams]
        self.streams_file.write_text(yaml.safe_dump({"streams": cameras}))
        environment = SETTINGS | changes
        self.supervisor.start(
            [
                replace(part, environment={**part.environment, **environment})
                for part in (self.parts[name] for name in services)
            ]
        )
        try:
            yield
        finally:
            self.supervisor.end(services)

    def camera_url(self, stream_id: str) -> str:
        """Return where a camera is published and read."""
        return f"{self.pipeline.stack.addresses.rtsp_url}/{stream_id}"

    def full_speed_options(self, frames: int, topic: str) -> tuple[str, ...]:
        """Return what a feed is told that sends as fast as frames arrive in a topic."""
        bootstrap = self.pipeline.addresses["kafka"]
        return ("--frames", str(frames), "--bootstrap", bootstrap, "--topic", topic)

    @contextmanager
    def feed(self, video: Path, streams: Sequence[str], *options: str) -> Iterator[int]:
        """Run cameras as one process of their own; give its pid."""
        urls = [word for name in streams for word in ("--url", self.camera_url(name))]
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "bench.feed", "--video", str(video), *urls, *options],
            cwd=CHECKOUT,
        )
        try:
            yield process.pid
        finally:
            process.kill()
            process.wait()

    def cpu_s(self, extra: Mapping[str, int] | None = None) -> dict[str, float]:
        """Return the CPU-seconds that each part has used; `extra` are other processes by name."""
        pids = {**self._pids(), **(extra or {})}
        return {name: cpu_s_of_tree(pid) for name, pid in pids.items()}

    def memory_mib(self) -> dict[str, float]:
        """Return the memory that each part holds, shared pages shared out."""
        return {name: memory_mib_of_tree(pid) for name, pid in self._pids().items()}

    def wait(self, seconds: float) -> None:
        """Let it run; raise if a part died."""
        deadline_s = time.monotonic() + seconds
        while (left_s := deadline_s - time.monotonic()) > 0:
            self.supervisor.tend()
            self.supervisor.stop_requested.wait(min(0.2, left_s))
            if self.supervisor.stop_requested.is_set():
                raise KeyboardInterrupt

    def log(self, part: str) -> str:
        """Return what a part has written since it was started."""
        return (self.pipeline.workspace.logs / f"{part}.log").read_text(errors="replace")

    def _pids(self) -> dict[str, int]:
        state = read_state(self.pipeline.workspace)
        parts = () if state is None else state.parts
        return {part.name: part.process.pid for part in parts if part.process is not None}


@contextmanager
def bench_system(workspace: Workspace, report: Report) -> Iterator[System]:
    """Start the servers; nothing is left when the block ends."""
    streams_file = workspace.root / "streams.yaml"
    workspace.create()
    streams_file.write_text("streams: []\n")
    with Supervisor(workspace, report, catches_signals=True) as supervisor:
        options = StackOptions(streams_file=str(streams_file), is_watched=False)
        pipeline = Pipeline.choose(workspace, options)
        parts = {part.name: part for part in supervisor.prepare(pipeline.prepare)}
        servers = [part for name, part in parts.items() if name not in SERVICES]
        supervisor.start(servers, pipeline.addresses)
        yield System(supervisor, pipeline, parts, streams_file)
