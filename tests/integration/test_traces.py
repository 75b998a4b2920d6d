"""One trace from a camera to S3 through the real services, and what an absent endpoint costs."""

import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import cv2
import psutil
import pytest
import yaml
from kafka import KafkaProducer

from contracts.frames import FrameHeaders
from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC, frames_topic
from contracts.results import BatchResult, decode_result
from local.stack import CHECKOUT, EmbeddedStack
from ops.options import DEMO_VIDEO
from runtime.kafka_clients import admin_client
from runtime.settings import KafkaSettings
from runtime.topics import deadletter_spec, ensure_topics, frames_spec, results_spec
from tests.integration.producer_process import camera
from tests.kafka_log import records_of
from tests.otlp_receiver import OtlpReceiver, ReceivedSpan, receiving
from tests.service_process import ServiceProcess, running_service

Eventually = Callable[[Callable[[], bool], str, float], None]

SERVICES = ("producer", "consumer", "postproc")
MODEL = "inference.GRPCInferenceService/ModelInfer"
PASSWORD = "hush-4711"
NO_SERVER = "http://127.0.0.1:1"
TRACEPARENT = "00-{:032x}-b7ad6b7169203331-01"


@dataclass(frozen=True)
class World:
    """One stream, its bucket and its groups."""

    kafka: EmbeddedStack
    s3: EmbeddedStack
    triton: EmbeddedStack
    rtsp_server: EmbeddedStack
    folder: Path
    stream_id: str

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(kafka_bootstrap_servers=self.kafka.addresses.kafka_bootstrap)

    @property
    def camera_url(self) -> str:
        return f"{self.rtsp_server.addresses.rtsp_url}/{self.stream_id}"

    def environment(self, **changes: str) -> dict[str, str]:
        own = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
        url = self.camera_url.replace("rtsp://", f"rtsp://someone:{PASSWORD}@")
        streams_file = self.folder / "streams.yaml"
        streams_file.write_text(yaml.safe_dump({"streams": [{"id": self.stream_id, "url": url}]}))
        return own | {
            "HOME": str(self.folder),
            "FRAMERAIL_LOG_FORMAT": "json",
            "FRAMERAIL_STREAMS_FILE": str(streams_file),
            "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": self.kafka.addresses.kafka_bootstrap,
            "FRAMERAIL_TRITON_ADDRESS": self.triton.addresses.triton_grpc,
            "FRAMERAIL_CONSUMER_GROUP": self.stream_id,
            "FRAMERAIL_POSTPROC_GROUP": self.stream_id,
            "FRAMERAIL_MAX_BATCH_AGE_S": "1",
            "FRAMERAIL_S3_ENDPOINT_URL": self.s3.addresses.s3_endpoint,
            "FRAMERAIL_S3_BUCKET": f"bucket-{self.stream_id}",
            "FRAMERAIL_S3_CREATE_BUCKET": "true",
            "AWS_PROFILE": "framerail",
            "AWS_SHARED_CREDENTIALS_FILE": str(self.s3.workspace.credentials_file),
            "AWS_EC2_METADATA_DISABLED": "true",
            **changes,
        }

    def service(self, module: str, **changes: str) -> AbstractContextManager[ServiceProcess]:
        log = self.folder / f"{module}-{uuid.uuid4().hex[:6]}.log"
        return running_service(module, self.environment(**changes), log)

    def publish(self, jpegs: list[bytes], traceparents: Mapping[int, str]) -> None:
        topic = frames_topic(self.stream_id)
        producer = KafkaProducer(bootstrap_servers=self.kafka.addresses.kafka_bootstrap)
        for seq, jpeg in enumerate(jpegs):
            headers = FrameHeaders(
                "s", seq, time.time_ns(), "arrival", (768, 576), {}, traceparents.get(seq)
            )
            producer.send(topic, jpeg, key=self.stream_id.encode(), headers=headers.encode())
        producer.close()

    def read(self, topic: str) -> list[Any]:
        return records_of(self.kafka.addresses.kafka_bootstrap, topic)

    def results(self) -> list[BatchResult]:
        # Other tests write to the same topic, also what is no result.
        key = self.stream_id.encode()
        return [
            decode_result(record.value) for record in self.read(RESULTS_TOPIC) if record.key == key
        ]

    def dead_letters(self) -> list[dict[str, bytes]]:
        letters = [dict(record.headers) for record in self.read(DEADLETTER_TOPIC)]
        ours = frames_topic(self.stream_id).encode()
        return [headers for headers in letters if headers.get("deadletter-topic") == ours]

    def picture(self, key: str) -> bytes:
        access = self.s3.access_key
        client = boto3.client(
            "s3",
            endpoint_url=self.s3.addresses.s3_endpoint,
            region_name="us-east-1",
            aws_access_key_id=access.key_id,
            aws_secret_access_key=access.secret,
        )
        return client.get_object(Bucket=f"bucket-{self.stream_id}", Key=key)["Body"].read()


@dataclass(frozen=True)
class Run:
    """What one run of a consumer took, in seconds: to infer, of CPU time, and to stop."""

    took_s: float
    cpu_s: float
    stop_s: float
    output: str = field(repr=False)

    @classmethod
    def best(cls, runs: Sequence["Run"]) -> "Run":
        took_s, cpu_s, stop_s = (
            min(getattr(run, name) for run in runs) for name in ("took_s", "cpu_s", "stop_s")
        )
        return cls(took_s, cpu_s, stop_s, "")


@pytest.fixture
def world(
    kafka: EmbeddedStack,
    s3: EmbeddedStack,
    triton: EmbeddedStack,
    rtsp_server: EmbeddedStack,
    tmp_path: Path,
) -> Iterator[World]:
    """A world whose topic is deleted afterwards: each consumer reads every stream there is."""
    stream_id = "t" + uuid.uuid4().hex[:12]
    made = World(kafka, s3, triton, rtsp_server, tmp_path, stream_id)
    settings = made.settings
    ensure_topics(
        settings,
        [frames_spec(settings, stream_id), results_spec(settings), deadletter_spec(settings)],
    )
    yield made
    with admin_client(settings) as admin:
        admin.delete_topics([frames_topic(stream_id)])


@pytest.fixture(scope="module")
def jpegs() -> list[bytes]:
    """Fifty frames of the demo clip."""
    video = cv2.VideoCapture(str(DEMO_VIDEO))
    found: list[bytes] = []
    while len(found) < 50:
        is_read, picture = video.read()
        assert is_read
        found.append(cv2.imencode(".jpg", picture)[1].tobytes())
    video.release()
    return found


def whole_traces(receiver: OtlpReceiver, world: World) -> list[list[ReceivedSpan]]:
    """Return the traces of our stream that have come to S3."""
    return [
        spans
        for spans in receiver.traces().values()
        if {"frame", "S3.PutObject"} <= {span.name for span in spans}
        and any(span.facts.get("framerail.stream.id") == world.stream_id for span in spans)
    ]


def tree(spans: list[ReceivedSpan]) -> dict[tuple[str, str], tuple[str, str] | None]:
    """Return the parent of each span, both as (service, name); None for the first."""
    by_id = {span.span_id: (span.service, span.name) for span in spans}
    return {
        (span.service, span.name): by_id[span.parent_id] if span.parent_id else None
        for span in spans
    }


def documented() -> dict[tuple[str, str], str | None]:
    """Return the spans of docs/traces.md, as (service, name), each with its parent's name."""
    page = (CHECKOUT / "docs" / "traces.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) \| `([^`]+)` \| \w+ \| (?:`([^`]+)`|-) \|", page, re.MULTILINE)
    return {(f"framerail-{service}", name): parent or None for service, name, parent in rows}


def test_one_trace_leads_from_the_camera_to_a_picture_in_s3(
    world: World, eventually: Eventually
) -> None:
    with receiving() as receiver, ExitStack() as running:
        running.enter_context(camera(DEMO_VIDEO, world.camera_url))
        traced = {
            "FRAMERAIL_TRACES_ENDPOINT": receiver.endpoint,
            "FRAMERAIL_TRACES_EVERY_S": "2",
        }
        services = [running.enter_context(world.service(name, **traced)) for name in SERVICES]
        eventually(lambda: len(whole_traces(receiver, world)) >= 2, "two whole traces", 90)
        assert [service.stop() for service in services] == [0, 0, 0]
        spans = whole_traces(receiver, world)[0]
        told = b"".join(receiver.bodies)
        paths = receiver.paths
    frames, results = frames_topic(world.stream_id), RESULTS_TOPIC
    producer, consumer, postproc = (f"framerail-{name}" for name in SERVICES)
    root = (producer, "frame")
    sent, gathered = (producer, f"send {frames}"), (consumer, f"process {frames}")
    written, stored = (consumer, f"send {results}"), (postproc, f"process {results}")
    assert tree(spans) == {
        root: None,
        (producer, "decode"): root,
        (producer, "encode"): root,
        (producer, "wait"): root,
        sent: root,
        gathered: sent,
        (consumer, "gather"): gathered,
        (consumer, "decode"): gathered,
        (consumer, MODEL): gathered,
        written: gathered,
        stored: written,
        (postproc, "draw"): stored,
        (postproc, "S3.PutObject"): stored,
    }
    told_of = {
        (service, name.replace(world.stream_id, "<stream>")): parent
        and parent[1].replace(world.stream_id, "<stream>")
        for (service, name), parent in tree(spans).items()
    }
    assert told_of == documented()
    assert not any(span.is_failed for span in spans)
    assert all(span.start_ns <= span.end_ns for span in spans)
    kinds = {span.name: span.kind for span in spans}
    assert (kinds[sent[1]], kinds[gathered[1]]) == ("producer", "consumer")
    assert (kinds[MODEL], kinds["S3.PutObject"]) == ("client", "client")
    put = next(span for span in spans if span.name == "S3.PutObject")
    assert world.picture(put.facts["aws.s3.key"])[:2] == b"\xff\xd8"
    assert len({span.resource["service.instance.id"] for span in spans}) == len(SERVICES)
    assert PASSWORD.encode() not in told
    assert paths == {"/v1/traces"}


def test_the_trace_is_found_again_from_kafka_and_other_frames_carry_none(
    world: World, eventually: Eventually
) -> None:
    with receiving() as receiver, ExitStack() as running:
        running.enter_context(camera(DEMO_VIDEO, world.camera_url))
        traced = {
            "FRAMERAIL_TRACES_ENDPOINT": receiver.endpoint,
            "FRAMERAIL_TRACES_EVERY_S": "1000",
        }
        services = [running.enter_context(world.service(name, **traced)) for name in SERVICES]
        eventually(lambda: len(whole_traces(receiver, world)) >= 1, "a whole trace", 90)
        eventually(lambda: len(world.results()) >= 2, "a batch after the traced one", 30)
        assert [service.stop() for service in services] == [0, 0, 0]
        (spans,) = whole_traces(receiver, world)
        begun = {span.trace_id for span in receiver.spans if span.name == "frame"}
    records = world.read(frames_topic(world.stream_id))
    carried = [FrameHeaders.decode(record.headers).traceparent for record in records]
    (traceparent,) = [text for text in carried if text is not None]
    named = [result.traceparent for result in world.results() if result.traceparent is not None]
    sent = {span.name: f"{span.trace_id}-{span.span_id}" for span in spans}
    assert sent[f"send {frames_topic(world.stream_id)}"] in traceparent
    assert [sent[f"send {RESULTS_TOPIC}"] in text for text in named] == [True]
    assert begun == {spans[0].trace_id}


def test_a_refused_frame_fails_its_trace_which_its_dead_letter_still_names(
    world: World, jpegs: list[bytes], eventually: Eventually
) -> None:
    refused, beside, forged = TRACEPARENT.format(1), TRACEPARENT.format(2), "00-bad-traceparent-01"
    world.publish([jpegs[0], b"no picture", jpegs[1]], {0: beside, 1: refused, 2: forged})
    with (
        receiving() as receiver,
        world.service("consumer", FRAMERAIL_TRACES_ENDPOINT=receiver.endpoint) as consumer,
    ):
        eventually(lambda: len(world.dead_letters()) == 1, "the letter is written", 60)
        eventually(lambda: len(world.results()) == 1, "the result is written", 60)
        assert consumer.stop() == 0
        name = f"process {frames_topic(world.stream_id)}"
        failed = {s.trace_id: s.is_failed for s in receiver.spans if s.name == name}
        linked = {s.trace_id: s.linked_traces for s in receiver.spans if s.name == name}
    assert failed == {f"{1:032x}": True, f"{2:032x}": False}
    assert linked == {f"{1:032x}": (f"{2:032x}",), f"{2:032x}": (f"{1:032x}",)}
    (letter,) = world.dead_letters()
    assert letter["traceparent"] == refused.encode()


@pytest.mark.parametrize("absence", ["no server", "a server that never answers"])
def test_an_endpoint_that_is_away_slows_nothing_and_holds_up_no_stop(
    world: World, jpegs: list[bytes], eventually: Eventually, absence: str
) -> None:
    every_one = {seq: TRACEPARENT.format(seq + 1) for seq in range(10 * len(jpegs))}
    batches = len(every_one) // 25

    def timed(**changes: str) -> Run:
        """Have a new group infer all frames, and stop."""
        before = len(world.results())
        group = uuid.uuid4().hex
        with world.service("consumer", FRAMERAIL_CONSUMER_GROUP=group, **changes) as consumer:
            eventually(lambda: len(world.results()) == before + batches, "all inferred", 120)
            times_ns = [result.inferred_ns for result in world.results()[before:]]
            used = psutil.Process(consumer.pid).cpu_times()
            begun_s = time.monotonic()
            assert consumer.stop() == 0
            stop_s = time.monotonic() - begun_s
        took_s = (max(times_ns) - min(times_ns)) / 1e9
        return Run(took_s, used.user + used.system, stop_s, consumer.output())

    world.publish(jpegs * 10, every_one)
    timed()  # the model's first batches are slower than any others
    with receiving(holds=True) as receiver:
        endpoint = NO_SERVER if absence == "no server" else receiver.endpoint
        # By turns, and the better one of two each: other work on the machine slows single runs.
        runs = [(timed(), timed(FRAMERAIL_TRACES_ENDPOINT=endpoint)) for _ in range(2)]
    off, on = Run.best([run[0] for run in runs]), Run.best([run[1] for run in runs])
    sys.stdout.write(f"{absence}: off {off}, on {on}\n")
    assert on.cpu_s < 1.2 * off.cpu_s + 0.5
    assert on.took_s < 2 * off.took_s + 2, "a request that is waited for takes 10 s"
    assert on.stop_s < off.stop_s + 4
    for _, run in runs:
        told = [line for line in run.output.splitlines() if '"opentelemetry.' in line]
        assert len(told) <= 6, "a storm of equal lines is folded"
        assert all('"service": "consumer"' in line for line in told)
