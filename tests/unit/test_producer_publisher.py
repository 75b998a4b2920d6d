"""What is handed to Kafka is bounded, in order, and accounted for whatever Kafka answers."""

import threading
from typing import Any

from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, NotLeaderForPartitionError
from prometheus_client import CollectorRegistry, generate_latest

from contracts.frames import FrameHeaders
from producer.metrics import ProducerMetrics, StreamMetrics
from producer.outbox import Outbox
from producer.publisher import Publisher
from tests.unit.producer_fakes import (
    EPOCH_NS,
    STREAM,
    FakeKafka,
    FakeTime,
    RecordingLog,
    encoded,
    stream_metrics,
)


def outbox(capacity: int = 10, max_in_flight: int = 10) -> tuple[Outbox, Any]:
    metrics, value = stream_metrics()
    return Outbox(capacity, max_in_flight, metrics), value


def publish_all(box: Outbox, kafka: FakeKafka) -> RecordingLog:
    recorded, log = RecordingLog.pair()
    box.close()
    Publisher(STREAM, box, kafka, lambda: None, log, FakeTime()).run()
    return recorded


def test_a_record_carries_the_frame_its_headers_and_its_capture_time() -> None:
    box, _ = outbox()
    box.drop("paced")
    box.put(encoded(7))
    kafka = FakeKafka()
    publish_all(box, kafka)
    (record,) = kafka.records
    assert record["topic"] == "frames.gate"
    assert (record["key"], record["value"], record["partition"]) == (b"gate", b"jpeg", 0)
    assert record["timestamp_ms"] == EPOCH_NS // 1_000_000 + 7000
    headers = FrameHeaders.decode(record["headers"])
    assert (headers.seq, headers.size_wh, headers.dropped) == (7, (64, 48), {"paced": 1})


def test_frames_are_sent_in_order_and_counted_when_acknowledged() -> None:
    box, value = outbox()
    for seq in range(5):
        box.put(encoded(seq))
    kafka = FakeKafka()
    publish_all(box, kafka)
    sequence = [FrameHeaders.decode(record["headers"]).seq for record in kafka.records]
    assert sequence == [0, 1, 2, 3, 4]
    assert value("frames_published_total") == 5
    assert value("published_bytes_total") == 20
    assert box.unsettled == 0


def test_the_times_of_the_newest_frames_captured_and_published_are_told() -> None:
    box, value = outbox()
    for seq in range(3):
        box.put(encoded(seq))
    assert value("captured_timestamp_seconds") == EPOCH_NS / 1e9 + 2
    kafka = FakeKafka(acknowledges=False)
    publish_all(box, kafka)
    assert value("frames_in_flight") == 3
    kafka.futures[0].succeed()
    assert value("published_timestamp_seconds") == EPOCH_NS / 1e9
    kafka.futures[1].succeed()
    assert value("published_timestamp_seconds") == EPOCH_NS / 1e9 + 1
    assert value("publish_seconds_count") == 2
    assert value("frames_in_flight") == 1


def test_no_time_is_told_of_a_stream_before_its_first_frame() -> None:
    registry = CollectorRegistry()
    StreamMetrics(ProducerMetrics(registry), STREAM)
    shown = generate_latest(registry).decode()
    assert 'framerail_frames_captured_total{stream="gate"} 0.0' in shown
    assert "timestamp_seconds{" not in shown


def test_no_more_frames_are_in_flight_than_allowed() -> None:
    box, value = outbox(capacity=2, max_in_flight=3)
    entries = []
    for seq in range(3):
        box.put(encoded(seq))
        entries.append(box.take(0))
    for seq in range(3, 8):
        box.put(encoded(seq))
    assert box.take(0) is None
    assert value("frames_dropped_total", reason="backlog") == 3
    assert value("buffer_frames") == 2
    assert entries[0] is not None
    box.acknowledge(entries[0], 0.1)
    freed = box.take(0)
    assert freed is not None
    assert freed.frame.seq == 6
    assert freed.dropped == {"backlog": 3}


def test_a_frame_that_kafka_refuses_is_counted_and_told_in_the_next_one() -> None:
    box, value = outbox()
    box.drop("frozen")
    box.put(encoded(0))
    box.put(encoded(1))
    kafka = FakeKafka(errors=[MessageSizeTooLargeError("too large")])
    log = publish_all(box, kafka)
    (record,) = kafka.records
    assert FrameHeaders.decode(record["headers"]).dropped == {"frozen": 1, "undelivered": 1}
    assert value("frames_dropped_total", reason="undelivered") == 1
    assert value("frames_published_total") == 1
    assert log.named("stream.publish_refused")[0]["reason"].endswith("too large")


def test_a_frame_that_fails_after_it_was_sent_is_told_in_a_later_one() -> None:
    box, value = outbox()
    box.put(encoded(0))
    kafka = FakeKafka(acknowledges=False)
    publish_all(box, kafka)
    kafka.futures[0].fail(NotLeaderForPartitionError("moved"))
    box.put(encoded(1))
    entry = box.take(0)
    assert entry is not None
    assert entry.dropped == {"undelivered": 1}
    assert value("frames_dropped_total", reason="undelivered") == 1


def test_a_frame_is_kept_while_its_topic_is_unknown() -> None:
    box, value = outbox()
    box.put(encoded(0))
    kafka = FakeKafka(errors=[KafkaTimeoutError("metadata")] * 3)
    log = publish_all(box, kafka)
    assert value("frames_published_total") == 1
    assert len(log.named("stream.publish_waiting")) == 1


def test_a_defect_is_told_the_frame_counted_and_the_next_one_published() -> None:
    box, value = outbox()
    box.put(encoded(0))
    box.put(encoded(1))
    kafka = FakeKafka(errors=[ZeroDivisionError("a defect")])
    log = publish_all(box, kafka)
    assert len(log.named("stream.publish_failed")) == 1
    assert [FrameHeaders.decode(record["headers"]).seq for record in kafka.records] == [1]
    assert value("frames_dropped_total", reason="undelivered") == 1
    assert box.unsettled == 0


def test_a_publisher_that_is_abandoned_ends_though_frames_wait() -> None:
    box, value = outbox(max_in_flight=1)
    box.put(encoded(0))
    box.put(encoded(1))
    kafka = FakeKafka(acknowledges=False)
    _, log = RecordingLog.pair()
    beats = threading.Semaphore(0)
    publisher = Publisher(STREAM, box, kafka, beats.release, log, FakeTime())
    thread = threading.Thread(target=publisher.run)
    thread.start()
    beats.acquire()
    publisher.abandon()
    thread.join(10)
    assert not thread.is_alive()
    assert box.unsettled == 2 - value("frames_published_total")


def test_waiting_for_settlement_ends_at_the_deadline() -> None:
    box, _ = outbox()
    assert box.wait_until_settled(deadline_s=0)
    box.put(encoded(0))
    assert not box.wait_until_settled(deadline_s=0)
