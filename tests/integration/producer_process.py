"""The producer as a real process, and the cameras that it reads."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import simplejpeg
import yaml
from kafka import KafkaConsumer, TopicPartition
from numpy.typing import NDArray
from prometheus_client.parser import text_string_to_metric_families

from contracts.frames import FrameHeaders
from contracts.names import frames_topic
from local.ports import free_ports
from local.stack import CHECKOUT

Eventually = Callable[[Callable[[], bool], str, float], None]
QUICK_RECONNECTS = {
    "FRAMERAIL_RECONNECT_FIRST_S": "0.2",
    "FRAMERAIL_RECONNECT_LONGEST_S": "0.5",
    "FRAMERAIL_STALL_TIMEOUT_S": "2",
}


@dataclass(frozen=True)
class PublishedFrame:
    """One record of a frames topic."""

    offset: int
    timestamp_ms: int
    key: bytes
    headers: FrameHeaders
    jpeg: bytes

    @property
    def rgb(self) -> NDArray[np.uint8]:
        return np.asarray(simplejpeg.decode_jpeg(self.jpeg), np.uint8)


class ProducerProcess:
    """`python -m producer`, seen through its log, its metrics and its exit code."""

    def __init__(
        self, folder: Path, bootstrap: str, streams: list[dict[str, Any]], **environment: str
    ) -> None:
        streams_file = folder / "streams.yaml"
        streams_file.write_text(yaml.safe_dump({"streams": streams}), encoding="utf-8")
        self._log = folder / "producer.log"
        (self._port,) = free_ports(1)
        settings = {
            "FRAMERAIL_STREAMS_FILE": str(streams_file),
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "FRAMERAIL_HTTP_PORT": str(self._port),
            "FRAMERAIL_LOG_FORMAT": "json",
        }
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "producer"],
                cwd=CHECKOUT,
                env=os.environ | settings | QUICK_RECONNECTS | environment,
                stderr=log,
            )

    def output(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def events(self, name: str, **values: Any) -> list[dict[str, Any]]:
        lines = (json.loads(line) for line in self.output().splitlines() if line.startswith("{"))
        wanted = {"event": name} | values
        return [line for line in lines if wanted.items() <= line.items()]

    def metric(self, name: str, **labels: str) -> float:
        """Return a metric, summed over the labels that are not given."""
        text = httpx.get(f"http://127.0.0.1:{self._port}/metrics").text
        samples = [
            sample
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == f"framerail_{name}" and labels.items() <= sample.labels.items()
        ]
        return sum(sample.value for sample in samples)

    def answers(self, path: str) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}{path}").status_code == 200
        except httpx.TransportError:
            return False

    def published(self, stream: str) -> float:
        return self.metric("frames_published_total", stream=stream) if self.is_up() else 0

    def is_up(self) -> bool:
        assert self.process.poll() is None, self.output()
        return self.answers("/readyz")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=40)


@contextmanager
def producing(
    folder: Path, bootstrap: str, streams: list[dict[str, Any]], **environment: str
) -> Iterator[ProducerProcess]:
    producer = ProducerProcess(folder, bootstrap, streams, **environment)
    try:
        yield producer
    finally:
        producer.process.kill()
        producer.process.wait()


@contextmanager
def camera(clip: Path, url: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Publish a file for ever, as a camera would."""
    argv = [sys.executable, "-m", "local.camera", "--video", str(clip), "--url", url]
    process = subprocess.Popen(argv, cwd=CHECKOUT, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def frames_in_kafka(bootstrap: str, stream: str) -> list[PublishedFrame]:
    """Read the whole topic of a stream."""
    partition = TopicPartition(frames_topic(stream), 0)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    try:
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition])[partition]
        frames: list[PublishedFrame] = []
        while not frames or frames[-1].offset < end - 1:
            for records in consumer.poll(5000).values():
                frames += [
                    PublishedFrame(
                        record.offset,
                        record.timestamp,
                        record.key,
                        FrameHeaders.decode(record.headers),
                        record.value,
                    )
                    for record in records
                ]
        return frames
    finally:
        consumer.close()


def decoded_frames(clip: Path) -> list[NDArray[np.uint8]]:
    """Decode a clip into RGB pictures, shape (height, width, 3), uint8."""
    with av.open(str(clip)) as container:
        return [
            np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            for frame in container.decode(video=0)
        ]
