"""Records that nobody can use stop neither service: the next one goes on, on a real broker."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaProducer, TopicPartition

from contracts.frames import FrameHeaders
from contracts.names import RESULTS_TOPIC, frames_topic
from contracts.results import BatchResult, decode_result
from contracts.stand_ins import unreadable
from local.stack import EmbeddedStack
from runtime.kafka_clients import admin_client
from runtime.topics import ensure_topics, frames_spec
from tests.integration.postproc_process import (
    RESULTS,
    World,
    closing_consumer,
    ensure_our_topics,
    settings_of,
)
from tests.jpeg_bombs import many_scans, ordinary
from tests.kafka_batches import batch, bomb, poison, produce, record
from tests.postproc_results import batch_result
from tests.service_process import ServiceProcess, running_service

Eventually = Callable[[Callable[[], bool], str, float], None]
BOMB_MB = 200


@pytest.fixture
def stream_id(kafka: EmbeddedStack) -> Iterator[str]:
    name = f"s{uuid.uuid4().hex[:10]}"
    ensure_our_topics(kafka)
    settings = settings_of(kafka)
    ensure_topics(settings, [frames_spec(settings, name)])
    yield name
    with admin_client(settings) as admin:
        admin.delete_topics([frames_topic(name)])


def publish(kafka: EmbeddedStack, topic: str, jpeg: bytes) -> int:
    headers = FrameHeaders("s", 0, time.time_ns(), "arrival", (640, 480)).encode()
    producer = KafkaProducer(bootstrap_servers=kafka.addresses.kafka_bootstrap)
    try:
        offset: int = producer.send(topic, jpeg, headers=headers).get(20).offset
        return offset
    finally:
        producer.close()


def results_of(kafka: EmbeddedStack, stream_id: str) -> list[BatchResult]:
    with closing_consumer(kafka) as consumer:
        consumer.assign([RESULTS])
        end = consumer.end_offsets([RESULTS])[RESULTS]
        consumer.seek_to_beginning(RESULTS)
        values = []
        while consumer.position(RESULTS) < end:
            values += [r.value for r in consumer.poll(timeout_ms=1000).get(RESULTS, [])]
    decoded = [decode_result(value) for value in values if stream_id.encode() in value]
    return [result for result in decoded if result.stream_id == stream_id]


def resident_mb(service: ServiceProcess) -> int:
    status = Path(f"/proc/{service.pid}/status").read_text()
    (peak,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(peak) // 1024


def test_the_consumer_puts_poison_aside_and_goes_on(
    kafka: EmbeddedStack,
    triton: EmbeddedStack,
    stream_id: str,
    tmp_path: Path,
    eventually: Eventually,
) -> None:
    topic, bootstrap = frames_topic(stream_id), kafka.addresses.kafka_bootstrap
    publish(kafka, topic, ordinary())
    for written in (*poison().values(), bomb(BOMB_MB)):
        produce(bootstrap, TopicPartition(topic, 0), written)
    publish(kafka, topic, many_scans((8000, 8000), 2647))
    last = publish(kafka, topic, ordinary())
    assert last == 1 + len(poison()) + BOMB_MB + 1
    environment = os.environ | {
        "FRAMERAIL_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "FRAMERAIL_TRITON_ADDRESS": triton.addresses.triton_grpc,
        "FRAMERAIL_CONSUMER_GROUP": stream_id,
        "FRAMERAIL_MAX_BATCH_AGE_S": "1",
        "FRAMERAIL_LOG_FORMAT": "json",
    }

    def refusals() -> dict[int, str | None]:
        return {
            frame.offset: frame.not_inferred
            for result in results_of(kafka, stream_id)
            for frame in result.frames
        }

    with running_service("consumer", environment, tmp_path / "log") as consumer:
        eventually(lambda: len(refusals()) == last + 1, "every record is in a result", 60)
        assert resident_mb(consumer) < 450, "the limit of its container is 512 MiB"
        assert consumer.stop() == 0
    told = refusals()
    assert [offset for offset, reason in told.items() if reason is None] == [0, last]
    assert "UnicodeDecodeError" in str(told[1])
    assert "codec 2" in str(told[2])
    assert "1000000 headers" in str(told[3])
    assert "when decompressed" in str(told[4])
    assert "in several scans" in str(told[last - 1])


def test_the_post_processor_puts_poison_aside_and_goes_on(
    kafka: EmbeddedStack, s3: EmbeddedStack, stream_id: str, tmp_path: Path, eventually: Eventually
) -> None:
    world = World(kafka, s3, f"bucket-{stream_id}", f"group-{stream_id}", tmp_path)
    world.start_group_at_the_end()
    bootstrap = kafka.addresses.kafka_bootstrap
    not_utf8 = b'{"v":1,"batch_id":"\x80'
    deep = b'{"v":1,"later":' + b"[" * 500_000
    batches = [*poison().values(), *(batch(record(0, one), 1) for one in (not_utf8, deep))]
    for written in batches:
        produce(bootstrap, TopicPartition(RESULTS_TOPIC, 0), written)
    [last] = world.send([batch_result(stream_id)])
    with world.postproc() as postproc:
        eventually(lambda: world.committed() == last + 1, "all are done with", 60)
        assert postproc.stop() == 0
    assert len(world.stored(stream_id)) == 1
    letters = world.dead_letters()
    ours = [letters[last - at] for at in range(len(batches), 0, -1)]
    reasons = [dict(letter.headers)["deadletter-reason"].decode() for letter in ours]
    words = ("UnicodeDecodeError", "codec 2", "1000000 headers", "no valid document", "recursion")
    assert all(one in reason for one, reason in zip(words, reasons, strict=True)), reasons
    assert unreadable([pair for pair in ours[0].headers if not pair[0].startswith("dead")])
