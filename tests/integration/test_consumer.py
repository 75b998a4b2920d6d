"""The real consumer between a real Kafka and a real Triton."""

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import cv2
import grpc  # type: ignore[import-untyped]
import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition

from contracts.frames import FrameHeaders
from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC, frames_topic
from contracts.results import BatchResult, decode_result
from local.stack import CHECKOUT, EmbeddedStack
from ops.options import DEMO_VIDEO
from runtime.kafka_clients import admin_client
from runtime.settings import KafkaSettings
from runtime.topics import deadletter_spec, ensure_topics, frames_spec, results_spec
from tests.kafka_log import records_of
from tests.service_process import ServiceProcess, running_service

Eventually = Callable[[Callable[[], bool], str, float], None]
CAPTURED_NS = 1_790_000_000_000_000_000


@dataclasses.dataclass(frozen=True)
class World:
    """One stream of one test, and a consumer group of its own."""

    kafka: EmbeddedStack
    triton: EmbeddedStack
    folder: Path
    stream_id: str
    first_result: int

    @property
    def topic(self) -> str:
        return frames_topic(self.stream_id)

    def environment(self, **changes: str) -> dict[str, str]:
        return os.environ | {
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": self.kafka.addresses.kafka_bootstrap,
            "FRAMERAIL_TRITON_ADDRESS": self.triton.addresses.triton_grpc,
            "FRAMERAIL_CONSUMER_GROUP": self.stream_id,
            "FRAMERAIL_MAX_BATCH_AGE_S": "1",
            "FRAMERAIL_LOG_FORMAT": "json",
            **changes,
        }

    def consumer(
        self, name: str = "consumer", **changes: str
    ) -> AbstractContextManager[ServiceProcess]:
        return running_service("consumer", self.environment(**changes), self.folder / f"{name}.log")

    def publish(self, values: list[bytes]) -> None:
        producer = KafkaProducer(
            bootstrap_servers=self.kafka.addresses.kafka_bootstrap, max_request_size=8 * 2**20
        )
        for seq, value in enumerate(values):
            headers = FrameHeaders("s", seq, CAPTURED_NS + seq, "arrival", (768, 576)).encode()
            producer.send(self.topic, value, key=self.stream_id.encode(), headers=headers)
        producer.close()

    def read(self, topic: str, start: int = 0) -> list[Any]:
        return records_of(self.kafka.addresses.kafka_bootstrap, topic, start)

    def results(self) -> list[BatchResult]:
        # Other tests write to the same topic, also what is no result.
        key, records = self.stream_id.encode(), self.read(RESULTS_TOPIC, self.first_result)
        return [decode_result(record.value) for record in records if record.key == key]

    def inferred_offsets(self) -> list[int]:
        return [frame.offset for result in self.results() for frame in result.frames]

    def dead_letters(self) -> list[Any]:
        ours = self.topic.encode()
        return [
            r
            for r in self.read(DEADLETTER_TOPIC)
            if dict(r.headers).get("deadletter-topic") == ours
        ]


def _settings(kafka: EmbeddedStack) -> KafkaSettings:
    return KafkaSettings(kafka_bootstrap_servers=kafka.addresses.kafka_bootstrap)


@pytest.fixture
def world(kafka: EmbeddedStack, triton: EmbeddedStack, tmp_path: Path) -> Iterator[World]:
    """A world whose topic is deleted afterwards: each consumer reads every stream there is."""
    stream_id = "t" + uuid.uuid4().hex[:12]
    settings = _settings(kafka)
    ensure_topics(
        settings,
        [frames_spec(settings, stream_id), results_spec(settings), deadletter_spec(settings)],
    )
    made = World(kafka, triton, tmp_path, stream_id, 0)
    first_result = len(made.read(RESULTS_TOPIC))
    yield dataclasses.replace(made, first_result=first_result)
    with admin_client(settings) as admin:
        admin.delete_topics([frames_topic(stream_id)])


@pytest.fixture(scope="module")
def jpegs() -> list[bytes]:
    """The first sixty frames of the demo clip."""
    video = cv2.VideoCapture(str(DEMO_VIDEO))
    found: list[bytes] = []
    while len(found) < 60:
        is_read, picture = video.read()
        assert is_read
        found.append(cv2.imencode(".jpg", picture)[1].tobytes())
    video.release()
    return found


def test_every_frame_is_inferred_once_in_batches_of_25_and_a_tail(
    world: World, jpegs: list[bytes], eventually: Eventually
) -> None:
    world.publish(jpegs)
    with world.consumer() as consumer:
        eventually(lambda: len(world.inferred_offsets()) >= 60, "60 frames inferred", 40)
        assert consumer.stop() == 0
    results = world.results()
    assert [len(result.frames) for result in results] == [25, 25, 10]
    assert [result.closed_by for result in results] == ["size", "size", "age"]
    assert world.inferred_offsets() == list(range(60))
    assert sum(len(frame.detections) for result in results for frame in result.frames) > 60
    assert [len(result.evidence) for result in results] == [1, 1, 1]


def test_records_that_are_no_pictures_go_to_the_dead_letters_and_their_batch_goes_on(
    world: World, jpegs: list[bytes], eventually: Eventually
) -> None:
    bomb = bytearray(jpegs[0])
    at = bomb.index(b"\xff\xc0") + 5
    bomb[at : at + 4] = (65_000).to_bytes(2, "big") * 2
    world.publish([*jpegs[:10], b"no picture", bytes(bomb), b"", *jpegs[10:22]])
    with world.consumer() as consumer:
        eventually(lambda: len(world.inferred_offsets()) >= 25, "the batch is done", 40)
        assert consumer.stop() == 0
    (result,) = world.results()
    refused = {frame.offset: frame.not_inferred for frame in result.frames if frame.not_inferred}
    assert sorted(refused) == [10, 11, 12]
    assert "65000x65000" in str(refused[11])
    letters = world.dead_letters()
    assert [dict(letter.headers)["deadletter-offset"] for letter in letters] == [
        b"10",
        b"11",
        b"12",
    ]
    assert letters[0].value == b"no picture"


def test_while_triton_is_away_frames_wait_and_then_go_on_where_they_were(
    world: World, jpegs: list[bytes], eventually: Eventually
) -> None:
    (pid,) = _listeners(world.triton.ports.triton_grpc)
    world.publish(jpegs[:25])
    changes = {"FRAMERAIL_INFER_TIMEOUT_S": "1", "FRAMERAIL_STUCK_AFTER_S": "7"}
    with world.consumer(**changes) as consumer:
        eventually(consumer.is_ready, "the consumer is ready", 30)
        eventually(lambda: len(world.results()) == 1, "the first batch", 30)
        os.kill(pid, signal.SIGSTOP)
        try:
            world.publish(jpegs)
            eventually(lambda: bool(consumer.events("infer.waiting")), "it says so", 30)
            longer_s = time.monotonic() + 10
            eventually(lambda: time.monotonic() > longer_s, "longer than a thread may hang", 20)
            assert consumer.is_ready()
            assert consumer.is_healthy()
        finally:
            os.kill(pid, signal.SIGCONT)
        eventually(lambda: len(world.inferred_offsets()) >= 85, "all frames inferred", 60)
        assert consumer.stop() == 0
    assert sorted(world.inferred_offsets()) == list(range(85))


def test_frames_that_kafka_deleted_while_no_consumer_ran_are_told_and_counted(
    world: World, jpegs: list[bytes], eventually: Eventually
) -> None:
    partition = TopicPartition(world.topic, 0)
    world.publish(jpegs)
    with admin_client(_settings(world.kafka)) as admin:
        admin.delete_records({partition: 20})
    group = KafkaConsumer(
        bootstrap_servers=world.kafka.addresses.kafka_bootstrap, group_id=world.stream_id
    )
    group.assign([partition])
    group.commit({partition: OffsetAndMetadata(5, "", -1)})
    group.close(autocommit=False)
    with world.consumer() as consumer:
        eventually(lambda: len(world.inferred_offsets()) >= 40, "the rest is inferred", 40)
        assert consumer.metric("framerail_frames_expired_total") == 15
        assert consumer.stop() == 0
    (expired,) = consumer.events("frames.expired")
    assert (expired["first_offset"], expired["last_offset"]) == (5, 19)


def test_a_stop_while_kafka_is_frozen_ends_in_time_and_says_what_is_left(
    world: World, jpegs: list[bytes], eventually: Eventually
) -> None:
    (pid,) = _listeners(world.kafka.ports.kafka)
    world.publish(jpegs * 12)
    with world.consumer(FRAMERAIL_STOP_TIMEOUT_S="5") as consumer:
        eventually(lambda: bool(consumer.events("batch.inferred")), "the first batch", 40)
        os.kill(pid, signal.SIGSTOP)
        try:
            begun_s = time.monotonic()
            assert consumer.stop() == 0
            assert time.monotonic() - begun_s < 5 + 8
        finally:
            os.kill(pid, signal.SIGCONT)
        assert len(consumer.events("stop.unfinished")) == 1
    with world.consumer("next") as consumer:
        eventually(lambda: len(set(world.inferred_offsets())) == 720, "nothing is lost", 60)


def _listeners(port: int) -> set[int]:
    return {
        found.pid
        for found in psutil.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.pid
        if found.laddr and found.laddr.port == port
    }


def test_a_consumer_that_joins_and_one_that_is_killed_lose_and_double_nothing(
    world: World, jpegs: list[bytes], eventually: Eventually
) -> None:
    fast = {"FRAMERAIL_TOPIC_DISCOVERY_S": "1"}
    world.publish(jpegs * 5)
    with world.consumer("first", **fast) as first:
        eventually(lambda: len(world.inferred_offsets()) >= 100, "work has begun", 40)
        with world.consumer("second", **fast) as second:
            eventually(second.is_ready, "the second is ready", 40)
            first.send(signal.SIGKILL)
            first.exit_code()
            world.publish(jpegs)
            eventually(lambda: set(world.inferred_offsets()) == set(range(360)), "all inferred", 90)
            assert second.stop() == 0
    by_id = {result.batch_id: result for result in world.results()}
    seen = sorted(frame.offset for result in by_id.values() for frame in result.frames)
    assert seen == list(range(360))


@pytest.mark.parametrize(
    ("changes", "exit_code", "said"),
    [
        ({"FRAMERAIL_MODEL_NAME": "absent"}, 2, "serves no model 'absent'"),
        ({"FRAMERAIL_MODEL_VERSION": "9"}, 2, "version 9"),
        ({"FRAMERAIL_BATCH_SIZE": "51"}, 2, "takes at most 50 images"),
        ({"FRAMERAIL_LABELS_FILE": "/absent/labels"}, 2, "FRAMERAIL_LABELS_FILE"),
        ({"FRAMERAIL_MAX_FRAME_BYTES": "30000000"}, 2, "topic deadletter takes messages of"),
        (
            {"FRAMERAIL_TRITON_ADDRESS": "127.0.0.1:9", "FRAMERAIL_TRITON_START_TIMEOUT_S": "1"},
            3,
            "FRAMERAIL_TRITON_ADDRESS",
        ),
        (
            {
                "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
                "FRAMERAIL_KAFKA_START_TIMEOUT_S": "1",
            },
            3,
            "no Kafka broker answered at 127.0.0.1:9 within 1 s",
        ),
    ],
)
def test_a_wrong_start_ends_with_its_reason_and_exit_code(
    world: World, changes: dict[str, str], exit_code: int, said: str
) -> None:
    with world.consumer(**changes) as consumer:
        assert consumer.exit_code() == exit_code
        assert said in consumer.output()


def test_every_wrong_setting_is_named_at_once_and_no_password_is_shown(world: World) -> None:
    wrong = {
        "FRAMERAIL_BATCH_SIZE": "many",
        "FRAMERAIL_EVIDENCE": "nicest",
        "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": "no port",
    }
    with world.consumer(FRAMERAIL_KAFKA_PASSWORD="hunter2", **wrong) as consumer:
        assert consumer.exit_code() == 2
        for name in wrong:
            assert name in consumer.output()
        assert "hunter2" not in consumer.output()


def test_a_port_already_taken_is_named(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        with world.consumer(FRAMERAIL_HTTP_PORT=port) as consumer:
            assert consumer.exit_code() == 2
            assert f"http_port {port}" in consumer.output()


def test_a_server_that_speaks_grpc_but_is_no_triton_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "picture.jpg").write_bytes(b"")
    server = grpc.server(ThreadPoolExecutor(1))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        argv = [sys.executable, "-m", "consumer.infer", str(tmp_path), "--address", address]
        run = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True)
    finally:
        server.stop(None)
    assert run.returncode == 2
    assert f"{address} does not answer as Triton does: UNIMPLEMENTED" in run.stderr


def test_pictures_can_be_sent_to_triton_without_kafka(
    triton: EmbeddedStack, jpegs: list[bytes], tmp_path: Path
) -> None:
    for at in range(3):
        (tmp_path / f"{at}.jpg").write_bytes(jpegs[at])
    argv = [sys.executable, "-m", "consumer.infer", str(tmp_path), "--json"]
    address = ["--address", triton.addresses.triton_grpc]
    run = subprocess.run([*argv, *address], cwd=CHECKOUT, capture_output=True, check=True)
    found = [json.loads(line) for line in run.stdout.splitlines()]
    assert [Path(picture["path"]).name for picture in found] == ["0.jpg", "1.jpg", "2.jpg"]
    assert all(picture["detections"][0]["label"] == "person" for picture in found)
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    (tmp_path / "worse.jpg").write_bytes(b"")
    again = subprocess.run([*argv, *address], cwd=CHECKOUT, capture_output=True, check=False)
    assert (again.returncode, len(again.stdout.splitlines())) == (2, 3)
    assert b"bad.jpg" in again.stderr
    assert b"worse.jpg" in again.stderr
    away = subprocess.run([*argv, "--address", "127.0.0.1:9"], cwd=CHECKOUT, capture_output=True)
    assert (away.returncode, b"127.0.0.1:9" in away.stderr) == (3, True)
