"""The benchmark's peer, both roles, between the real servers."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from kafka import TopicPartition

from bench.rival import can_read
from local.stack import CHECKOUT, EmbeddedStack
from ops.options import DEMO_VIDEO
from tests.integration.postproc_process import closing_consumer
from tests.integration.producer_process import camera

Eventually = Callable[[Callable[[], bool], str, float], None]
FRAMES = 50


@contextmanager
def peer(role: str, *options: str, **environment: str) -> "Iterator[subprocess.Popen[str]]":
    argv = [sys.executable, "-m", "bench.peer", role, "--frames", str(FRAMES), *options]
    with subprocess.Popen(
        argv, cwd=CHECKOUT, env=os.environ | environment, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def account(process: "subprocess.Popen[str]") -> dict[str, Any]:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output)
    return found


def documents(kafka: EmbeddedStack, topic: str) -> list[dict[str, Any]]:
    partition = TopicPartition(topic, 0)
    with closing_consumer(kafka, auto_offset_reset="earliest") as consumer:
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        found: list[dict[str, Any]] = []
        while consumer.position(partition) < end:
            records = consumer.poll(timeout_ms=1000).get(partition, [])
            found += [json.loads(record.value) for record in records]
    return found


def test_the_peer_does_the_whole_job(
    kafka: EmbeddedStack,
    rtsp_server: EmbeddedStack,
    triton: EmbeddedStack,
    s3: EmbeddedStack,
    eventually: Eventually,
) -> None:
    name = f"peer-{uuid.uuid4().hex[:8]}"
    url = f"{rtsp_server.addresses.rtsp_url}/{name}"
    endpoint = s3.addresses.s3_endpoint
    key_file = str(s3.workspace.credentials_file)
    session = boto3.session.Session(s3.access_key.key_id, s3.access_key.secret)
    store = session.client("s3", endpoint_url=endpoint)
    store.create_bucket(Bucket=name)
    broker = ("--bootstrap", kafka.addresses.kafka_bootstrap)
    topics = ("--topic", f"{name}-frames", "--results-topic", f"{name}-results")
    s3_options = ("--endpoint", endpoint, "--bucket", name)
    with camera(DEMO_VIDEO, url):
        eventually(lambda: can_read(url), "the stream can be read", 15)
        with (
            peer(
                "detect",
                *(*broker, *topics, *s3_options, "--triton", triton.addresses.triton_grpc),
                AWS_SHARED_CREDENTIALS_FILE=key_file,
                AWS_PROFILE="framerail",
            ) as detecting,
            peer("capture", *broker, *topics, "--url", url) as capturing,
        ):
            captured, detected = account(capturing), account(detecting)
    assert (captured["frames"], detected["frames"], detected["pictures"]) == (FRAMES, FRAMES, 2)
    assert len(store.list_objects_v2(Bucket=name)["Contents"]) == 2
    results = documents(kafka, f"{name}-results")
    assert [result["seq"] for result in results] == list(range(FRAMES))
    assert any(result["detections"] for result in results)
