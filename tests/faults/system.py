"""The whole pipeline under test: how it is broken, watched, and asked for its account."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
import psutil
from botocore.exceptions import BotoCoreError
from kafka import TopicPartition
from kafka.errors import KafkaError

from contracts.names import frames_topic
from local.ports import free_ports
from local.stack import CHECKOUT
from local.state import read_state
from local.workspace import Workspace
from ops.ledger.kafka_books import Scope
from ops.ledger.proof import prove
from ops.ledger.verdict import Ledger
from ops.options import StackOptions
from ops.target import Target, local_target
from runtime.errors import FramerailError
from runtime.group_consumer import GroupConsumer
from runtime.kafka_clients import open_consumer
from tests.faults.proxy import Proxy
from tests.faults.run_system import Orders

RECOVERED_WITHIN_S = 90.0
T = TypeVar("T")


class Picture(NamedTuple):
    """Which frame a picture in S3 shows; the time in nanoseconds since the epoch."""

    offset: int
    captured_ns: int


@dataclass
class System:
    """One running pipeline, in a process of its own that can be broken too."""

    root: Path
    cache: Path
    options: StackOptions
    changes: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None
    s3: Proxy | None = None
    triton: Proxy | None = None

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.root, self.cache)

    @property
    def faults(self) -> Path:
        """Folder of the orders to the services (`injected/sitecustomize.py`)."""
        return self.root / "faults"

    @property
    def addresses(self) -> dict[str, str]:
        state = read_state(self.workspace)
        return dict(state.addresses) if state is not None else {}

    @property
    def target(self) -> Target:
        """Kafka and S3 themselves, not their proxies."""
        return local_target(self.addresses, self.workspace.credentials_file)

    def start(self) -> None:
        """Start everything and wait until all is ready."""
        self.faults.mkdir(parents=True, exist_ok=True)
        s3, triton, s3_server, triton_server = free_ports(4)
        ports = {**self.options.ports, "s3": s3_server, "triton_grpc": triton_server}
        orders = Orders(
            str(self.root),
            str(self.cache),
            str(self.faults),
            msgspec.structs.replace(self.options, ports=ports),
            s3,
            triton,
            self.changes,
        )
        self.s3, self.triton = Proxy(s3, s3_server), Proxy(triton, triton_server)
        path = self.root / "orders.json"
        path.write_bytes(msgspec.json.encode(orders))
        with (self.root / "supervisor.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.run_system", str(path)],
                cwd=CHECKOUT,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._is_running, "the pipeline is ready", 180)

    def stop(self) -> int:
        """SIGTERM to everything at once; return the supervisor's exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        exit_code = self.process.wait(timeout=120)
        for proxy in (self.s3, self.triton):
            if proxy is not None:
                proxy.close()
        self.process = self.s3 = self.triton = None
        return exit_code

    def _is_running(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.root / "supervisor.log").read_text()
        state = read_state(self.workspace)
        return state is not None and state.phase == "running" and state.is_supervised()

    def pid(self, part: str) -> int:
        """Return the pid of a part once it runs."""

        def found() -> int | None:
            state = read_state(self.workspace)
            parts = () if state is None else state.parts
            marks = [p.process for p in parts if p.name == part and p.process is not None]
            return marks[0].pid if marks and psutil.pid_exists(marks[0].pid) else None

        return wait_for(found, f"{part} runs", 60)

    def tree(self, part: str) -> list[psutil.Process]:
        """Return the processes of a part, its own first."""
        own = psutil.Process(self.pid(part))
        return [own, *own.children(recursive=True)]

    def kill(self, part: str) -> None:
        """SIGKILL to the process of a part, as the kernel does when memory runs out."""
        os.kill(self.pid(part), signal.SIGKILL)

    @contextmanager
    def frozen(self, part: str) -> Iterator[None]:
        """SIGSTOP for the length of a block."""
        stopped = self.tree(part)
        for process in stopped:
            process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            for process in stopped:
                with suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)

    def order(self, service: str, what: str, value: str = "") -> Path:
        """Write an order to a service; it holds until the file is gone."""
        path = self.faults / f"{service}.{what}"
        path.write_text(value)
        return path

    def log(self, part: str) -> str:
        """Return what a part has logged."""
        path = self.workspace.logs / f"{part}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def port(self, address: str) -> int:
        """Return the port of one of the addresses."""
        text = self.addresses[address]
        return urlsplit(text if "//" in text else f"//{text}").port or 0

    def wait_until_live(self, since_ns: int) -> None:
        """Wait until a frame of each camera that was captured, and published, since then is in S3.

        Published too, because a stepped clock calls anything captured later.
        """
        ends = wait_for(self._ends, "Kafka tells how long its topics are", RECOVERED_WITHIN_S)

        def is_live() -> bool:
            with suppress(BotoCoreError):  # what was broken may be S3
                newest = [(self.newest(stream_id), end) for stream_id, end in ends.items()]
                return all(p.offset >= end and p.captured_ns > since_ns for p, end in newest)
            return False

        wait_for(is_live, "pictures of new frames are in S3", RECOVERED_WITHIN_S)

    def _ends(self) -> dict[str, int] | None:
        with suppress(FramerailError, KafkaError), closing(self._open_log()) as log:
            partitions = {
                stream_id: TopicPartition(frames_topic(stream_id), 0)
                for stream_id in self.options.local_cameras
            }
            ends = log.end_offsets(list(partitions.values()))
            return {stream_id: ends[at] for stream_id, at in partitions.items()}
        return None

    def _open_log(self) -> GroupConsumer:
        return open_consumer(self.target.settings, "faults")

    def newest(self, stream_id: str) -> Picture:
        """Return the picture of the newest frame of a stream; one of no frame if there is none."""
        client, bucket = self.target.s3(), self.target.settings.s3_bucket
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=f"evidence/{stream_id}/"
        )
        keys = [stored["Key"] for page in pages for stored in page.get("Contents", [])]
        if not keys:
            return Picture(-1, 0)
        # By offset, not by day: a stepped clock makes days of its own.
        newest = max(keys, key=lambda key: int(Path(key).stem))
        head: dict[str, Any] = dict(client.head_object(Bucket=bucket, Key=newest))
        return Picture(int(Path(newest).stem), int(head["Metadata"]["captured-ns"]))

    def ledger(self, since_ns: int, within_s: float = 60.0) -> Ledger:
        """Return the account of what was captured since then, once it closes or after a time."""
        scope = Scope(None, since_ns // 1_000_000)
        deadline_s = time.monotonic() + within_s
        while True:
            found = prove(self.target, scope, datetime.now(UTC))
            if found.closed or time.monotonic() > deadline_s:
                return found
            time.sleep(1)


def wait_for(condition: Callable[[], T | None], meaning: str, within_s: float) -> T:
    """Return the first answer of `condition` that is true."""
    deadline_s = time.monotonic() + within_s
    while not (answer := condition()):
        assert time.monotonic() < deadline_s, f"not within {within_s:g} s: {meaning}"
        time.sleep(0.1)
    return answer
