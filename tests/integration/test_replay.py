"""Replays and comparisons on a real Kafka and a real Triton, beside what the consumer wrote."""

import dataclasses
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import psutil
import pytest
from kafka import KafkaProducer, TopicPartition

from consumer.decode import frame_size_wh
from consumer.replaying.window import iso_utc
from contracts.frames import FrameHeaders
from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC, frames_topic, replay_topic
from contracts.results import BatchResult, decode_result
from local.stack import CHECKOUT, EmbeddedStack
from ops.options import DEMO_VIDEO
from runtime.kafka_clients import admin_client
from runtime.settings import KafkaSettings
from runtime.topics import deadletter_spec, ensure_topics, frames_spec, results_spec
from tests.e2e.framerail_command import COMMAND
from tests.kafka_log import records_of
from tests.service_process import running_service

Eventually = Callable[[Callable[[], bool], str, float], None]
FRAMES = 85
STEP_NS = 100_000_000


@dataclasses.dataclass(frozen=True)
class World:
    """One stream, whose frames the live consumer has inferred with version 2."""

    kafka: EmbeddedStack
    triton: EmbeddedStack
    stream_id: str
    first_captured_ns: int

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": self.kafka.addresses.kafka_bootstrap,
            "FRAMERAIL_TRITON_ADDRESS": self.triton.addresses.triton_grpc,
            "FRAMERAIL_S3_BUCKET": "not-asked",
            "FRAMERAIL_CONSUMER_GROUP": self.stream_id,
            "FRAMERAIL_MAX_BATCH_AGE_S": "1",
            "FRAMERAIL_LOG_FORMAT": "json",
        }

    def start(self, *arguments: str, **changes: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [COMMAND, *arguments],
            cwd=CHECKOUT,
            env=self.environment | changes,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **changes: str) -> "Ended":
        return Ended.of(self.start(*arguments, **changes))

    def replay(self, name: str, *arguments: str, version: str = "1", **changes: str) -> "Ended":
        return self.run(*self.replay_arguments(name, *arguments, version=version), **changes)

    def replay_arguments(self, name: str, *arguments: str, version: str = "1") -> list[str]:
        stream = ["--stream", self.stream_id, "--model-version", version]
        return ["replay", *stream, "--into", self.name(name), "--json", *arguments]

    def name(self, short: str) -> str:
        return f"{self.stream_id}-{short}"

    def captured(self, frame: int) -> str:
        return iso_utc((self.first_captured_ns + frame * STEP_NS) // 1_000_000)

    def read(self, topic: str) -> list[Any]:
        return records_of(self.kafka.addresses.kafka_bootstrap, topic)

    def results(self, topic: str = RESULTS_TOPIC) -> list[BatchResult]:
        # Other tests write to the same topic, also what is no result.
        key = self.stream_id.encode()
        return [decode_result(record.value) for record in self.read(topic) if record.key == key]

    def replayed(self, name: str) -> list[BatchResult]:
        return self.results(replay_topic(self.name(name)))


@dataclasses.dataclass(frozen=True)
class Ended:
    """What a command left: its exit code, what it said, and its JSON document."""

    code: int
    said: str
    printed: str

    @classmethod
    def of(cls, process: subprocess.Popen[str]) -> "Ended":
        printed, said = process.communicate(timeout=120)
        return cls(process.returncode, said, printed)

    @property
    def document(self) -> dict[str, Any]:
        assert self.code in (0, 1, 130), self.said
        document: dict[str, Any] = json.loads(self.printed.splitlines()[-1])
        return document


@pytest.fixture(scope="module")
def jpegs() -> list[bytes]:
    """The first frames of the demo clip."""
    video = cv2.VideoCapture(str(DEMO_VIDEO))
    found: list[bytes] = []
    while len(found) < FRAMES:
        is_read, picture = video.read()
        assert is_read
        found.append(cv2.imencode(".jpg", picture)[1].tobytes())
    video.release()
    return found


@pytest.fixture(scope="module")
def world(
    kafka: EmbeddedStack,
    triton: EmbeddedStack,
    jpegs: list[bytes],
    eventually: Eventually,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Frames published, with one among them that is no picture, and inferred by the consumer."""
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.addresses.kafka_bootstrap)
    stream_id = "r" + uuid.uuid4().hex[:12]
    topics = [frames_spec(settings, stream_id), results_spec(settings), deadletter_spec(settings)]
    ensure_topics(settings, topics)
    made = World(kafka, triton, stream_id, time.time_ns() - FRAMES * STEP_NS)
    publish(made, [*jpegs[:60], b"no picture", *jpegs[61:]])
    log = tmp_path_factory.mktemp("live") / "consumer.log"
    with running_service("consumer", made.environment, log) as consumer:
        eventually(lambda: inferred(made) >= FRAMES, "the consumer is done", 60)
        assert consumer.stop() == 0
    yield made
    with admin_client(settings) as admin:
        ours = [topic for topic in admin.list_topics() if stream_id in topic]
        admin.delete_topics(ours)


def publish(world: World, values: list[bytes]) -> None:
    producer = KafkaProducer(
        bootstrap_servers=world.kafka.addresses.kafka_bootstrap, max_request_size=8 * 2**20
    )
    topic = frames_topic(world.stream_id)
    for at, value in enumerate(values):
        captured_ns = world.first_captured_ns + at * STEP_NS
        # The camera connected anew before its fortieth frame.
        session, seq = ("s1", at) if at < 40 else ("s2", at - 40)
        headers = FrameHeaders(session, seq, captured_ns, "arrival", (768, 576)).encode()
        key, timestamp_ms = world.stream_id.encode(), captured_ns // 1_000_000
        producer.send(topic, value, key=key, headers=headers, timestamp_ms=timestamp_ms)
    producer.close()


def inferred(world: World) -> int:
    return sum(len(result.frames) for result in world.results())


def shape(results: list[BatchResult]) -> list[tuple[str, str, int]]:
    return [(result.batch_id, result.closed_by, len(result.frames)) for result in results]


def test_the_same_version_repeats_what_live_wrote_batch_by_batch(world: World) -> None:
    live, letters = shape(world.results()), len(world.read(DEADLETTER_TOPIC))
    document = world.replay("same", "--from-offset", "0", version="2").document
    replayed = world.replayed("same")
    assert [batch[1] for batch in live] == ["size", "session_end", "size", "age"]
    assert shape(replayed)[:-1] == live[:-1]
    assert shape(replayed)[-1] == (live[-1][0], "window_end", live[-1][2])
    assert (document["written"], document["not_inferred"], document["expired"]) == (FRAMES, 1, 0)
    assert document["models"] == [{"name": "ssd_mobilenet", "version": "2"}]
    assert all(result.evidence == () for result in replayed)
    assert shape(world.results()) == live
    assert len(world.read(DEADLETTER_TOPIC)) == letters
    compared = world.run("diff", "results", world.name("same"), "--json").document
    assert (compared["frames"], compared["frames_differ"]) == (FRAMES, 0)
    assert compared["confidence_shift"]["p5"] == compared["confidence_shift"]["p95"] == 0


def test_a_window_by_time_holds_the_frames_captured_in_it(world: World) -> None:
    window = ["--from", world.captured(25), "--to", world.captured(50), "--evidence", "first"]
    document = world.replay("timed", *window).document
    assert (document["first_offset"], document["last_offset"]) == (25, 49)
    replayed = world.replayed("timed")
    assert [frame.offset for result in replayed for frame in result.frames] == [*range(25, 50)]
    assert [result.closed_by for result in replayed] == ["session_end", "window_end"]
    assert {result.model.version for result in replayed} == {"1"}
    assert [len(result.evidence) for result in replayed] == [1, 1]


def test_a_replay_leaves_no_group_behind(world: World) -> None:
    settings = KafkaSettings(kafka_bootstrap_servers=world.kafka.addresses.kafka_bootstrap)
    with admin_client(settings) as admin:
        before = {str(group) for group in admin.list_groups()}
        assert world.replay("groupless", "--from", world.captured(80)).code == 0
        assert {str(group) for group in admin.list_groups()} == before


def test_two_versions_are_compared_with_pictures_and_a_limit(world: World, tmp_path: Path) -> None:
    assert world.replay("fp32", "--from", "1d").code == 0
    pictures = ["--pictures", str(tmp_path / "changes"), "--top", "3"]
    compared = world.run("diff", world.name("fp32"), "results", "--json", *pictures).document
    sides = (compared["a"], compared["b"])
    assert [side["models"][0]["version"] for side in sides] == ["1", "2"]
    assert [side["min_confidence"] for side in sides] == [0.4, None]
    assert [side["not_inferred"] for side in sides] == [1, 1]
    assert (compared["frames"], compared["stream_id"]) == (FRAMES, world.stream_id)
    assert 0.8 < compared["together"]["recall"] < 1
    assert 0 < compared["frames_differ"] < FRAMES
    drawn = [Path(picture["path"]) for picture in compared["pictures"]]
    assert 0 < len(drawn) <= 3
    assert {frame_size_wh(path.read_bytes())[0] for path in drawn} == {2 * 768 + 8}
    limited = world.run("diff", world.name("fp32"), "results", "--fail-above", "0")
    assert (limited.code, "--fail-above allows 0.0%" in limited.said) == (1, True)
    assert "of the frames differ" in limited.said
    within = world.run("diff", world.name("fp32"), "results", "--fail-above", "1")
    assert (within.code, "person" in within.printed) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "changes", "code", "said"),
    [
        (
            ["--from", "1d", "--stream", "absent"],
            {},
            2,
            "'absent' has no frames in Kafka; streams:",
        ),
        (["--from", "2h", "--to", "1h"], {}, 2, "from offset 0 ("),
        (["--from-offset", "9000"], {}, 2, "offset 9000 is not there yet"),
        (
            ["--from", "1d", "--model-version", "9"],
            {},
            2,
            "ready: ssd_mobilenet 1, ssd_mobilenet 2",
        ),
        (["--from", "1d", "--model", "none"], {}, 2, "no model 'none' version 1; ready: ssd"),
        (["--from", "soon"], {}, 2, "time 'soon'"),
        (["--from", "1d", "--evidence", "nicest"], {}, 2, "--evidence 'nicest'"),
        (["--from", "1d", "--into", "a.b"], {}, 2, "--into: replay name 'a.b'"),
        (
            ["--from", "1d"],
            {"FRAMERAIL_TRITON_ADDRESS": "127.0.0.1:9", "FRAMERAIL_TRITON_START_TIMEOUT_S": "1"},
            3,
            "no answer within 1 s: Triton at 127.0.0.1:9",
        ),
        (
            ["--from", "1d"],
            {
                "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
                "FRAMERAIL_KAFKA_START_TIMEOUT_S": "1",
            },
            3,
            "127.0.0.1:9",
        ),
    ],
)
def test_what_cannot_be_replayed_is_said_by_name_and_leaves_no_topic(
    world: World, arguments: list[str], changes: dict[str, str], code: int, said: str
) -> None:
    ended = world.replay("wrong", *arguments, **changes)
    assert (ended.code, said in ended.said) == (code, True), ended.said
    settings = KafkaSettings(kafka_bootstrap_servers=world.kafka.addresses.kafka_bootstrap)
    with admin_client(settings) as admin:
        assert replay_topic(world.name("wrong")) not in admin.list_topics()


def test_a_topic_that_exists_is_never_written_to_again(world: World) -> None:
    last = ["--from-offset", str(FRAMES - 1)]
    assert world.replay("once", *last).code == 0
    again = world.replay("once", *last)
    assert (again.code, "exists already" in again.said) == (2, True)
    assert inferred_in(world, "once") == 1


def inferred_in(world: World, name: str) -> int:
    return sum(len(result.frames) for result in world.replayed(name))


def test_topics_that_cannot_be_compared_are_said_by_name(world: World) -> None:
    unknown = world.run("diff", "results", world.name("absent"))
    assert (unknown.code, "there are: " in unknown.said) == (2, True)
    both_live = world.run("diff", "results", "results")
    assert (both_live.code, "choose one with --stream" in both_live.said) == (2, True)
    assert world.replay("head", "--from-offset", "0", "--to-offset", "3").code == 0
    assert world.replay("tail", "--from-offset", "4", "--to-offset", "9").code == 0
    apart = world.run("diff", world.name("head"), world.name("tail"))
    assert (apart.code, "no frame of stream" in apart.said) == (2, True)


def test_a_triton_that_stops_answering_is_waited_for_within_bounds(
    world: World, eventually: Eventually
) -> None:
    (pid,) = listeners(world.triton.ports.triton_grpc)
    changes = {"FRAMERAIL_TRITON_START_TIMEOUT_S": "3", "FRAMERAIL_INFER_TIMEOUT_S": "1"}
    # A batch a frame: the first result comes long before the last.
    arguments = world.replay_arguments("bounded", "--from-offset", "0")
    process = world.start(*arguments, FRAMERAIL_BATCH_SIZE="1", **changes)
    try:
        eventually(lambda: has_results(world, "bounded"), "the replay has begun", 60)
        os.kill(pid, signal.SIGSTOP)
        ended = Ended.of(process)
    finally:
        os.kill(pid, signal.SIGCONT)
        process.kill()
    assert ended.code == 3, ended.said
    assert "no answer within 3 s: Triton at" in ended.said
    assert f"of {FRAMES} frames are in {replay_topic(world.name('bounded'))}" in ended.said


def test_an_interrupted_replay_says_how_far_it_came(world: World, eventually: Eventually) -> None:
    arguments = world.replay_arguments("interrupted", "--from-offset", "0")
    process = world.start(*arguments, FRAMERAIL_BATCH_SIZE="1")
    try:
        eventually(lambda: has_results(world, "interrupted"), "the replay has begun", 60)
        process.send_signal(signal.SIGINT)
        ended = Ended.of(process)
    finally:
        process.kill()
    assert ended.code == 130
    written = inferred_in(world, "interrupted")
    assert ended.document["written"] == written < FRAMES
    assert not ended.document["is_complete"]


def has_results(world: World, name: str) -> bool:
    settings = KafkaSettings(kafka_bootstrap_servers=world.kafka.addresses.kafka_bootstrap)
    with admin_client(settings) as admin:
        is_there = replay_topic(world.name(name)) in admin.list_topics()
    return is_there and bool(world.read(replay_topic(world.name(name))))


def listeners(port: int) -> set[int]:
    return {
        found.pid
        for found in psutil.net_connections("tcp")
        if found.status == psutil.CONN_LISTEN and found.pid
        if found.laddr and found.laddr.port == port
    }


def test_frames_that_have_expired_are_told_by_replay_and_by_diff(
    world: World, tmp_path: Path
) -> None:
    """The last test of this world: it deletes frames."""
    assert world.replay("before", "--from-offset", "0").code == 0
    settings = KafkaSettings(kafka_bootstrap_servers=world.kafka.addresses.kafka_bootstrap)
    with admin_client(settings) as admin:
        admin.delete_records({TopicPartition(frames_topic(world.stream_id), 0): FRAMES - 5})
    asked = world.replay("late", "--from-offset", "0")
    assert (asked.code, "offset 0 has expired; Kafka holds" in asked.said) == (2, True)
    gone = world.replay("late", "--from", world.captured(0), "--to", world.captured(50))
    assert (gone.code, "have expired; Kafka holds" in gone.said) == (2, True)
    assert f"from offset {FRAMES - 5} ({world.captured(FRAMES - 5)})" in gone.said
    cut = world.replay("cut", "--from", world.captured(0)).document
    assert (cut["written"], cut["is_cut"]) == (5, True)
    pictures = ["--pictures", str(tmp_path), "--top", "200"]
    compared = world.run("diff", world.name("before"), "results", "--json", *pictures).document
    told = {picture["offset"]: picture["missing"] for picture in compared["pictures"]}
    expired = {offset: missing for offset, missing in told.items() if offset < FRAMES - 5}
    assert expired
    assert all("expired from Kafka" in missing for missing in expired.values())
