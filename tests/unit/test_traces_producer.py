"""Which frames are traced, and what their traces tell on the way to Kafka."""

from dataclasses import dataclass, replace

import pytest
from kafka.errors import KafkaTimeoutError

from contracts.frames import FrameHeaders
from producer.capture_clock import CaptureClock
from producer.frame_trace import SampledFrame
from producer.frames import EncodedFrame
from producer.jpeg import JpegEncoder
from producer.load import LoadGovernor, LoadPacer
from producer.outbox import Outbox
from producer.pacing import Pacer
from producer.publisher import Publisher
from producer.sampling import FrameSampler
from producer.selection import FrameSelection
from producer.stillness import StillnessWatch
from producer.stream_session import StreamSession
from tests.unit.producer_fakes import (
    EPOCH_NS,
    SECOND_NS,
    STREAM,
    FakeKafka,
    FakeTime,
    RecordingLog,
    decoded,
    stream_metrics,
)
from tests.unit.recorded_spans import Recorder, ids, is_failed, known, traceparent_ids


@dataclass
class Placed:
    """Where Kafka has put a record."""

    partition: int
    offset: int


class Bench:
    """A session and a publisher with all between them; wall time is EPOCH_NS + monotonic time."""

    def __init__(self, recorder: Recorder | None, every_s: float = 10, capacity: int = 100) -> None:
        metrics, self.value = stream_metrics()
        _, self._log = RecordingLog.pair()
        self.time = FakeTime()
        self.outbox = Outbox(capacity, 1000, metrics)
        sampler = recorder and FrameSampler(recorder.tracer, STREAM, every_s, self.now_ns)
        selection = FrameSelection(
            Pacer(None), LoadPacer(LoadGovernor(10)), StillnessWatch(1000, 1000)
        )
        self.session = StreamSession(
            "session",
            CaptureClock(SECOND_NS),
            selection,
            JpegEncoder(85, None, 10**6),
            self.outbox,
            metrics,
            self._log,
            self.time,
            sampler or None,
        )

    def now_ns(self) -> int:
        return EPOCH_NS + int(self.time.now_s * SECOND_NS)

    def capture(self, count: int, each_s: float = 1.0) -> None:
        for number in range(count):
            frame = replace(decoded(number, shift=number), arrival_ns=self.now_ns(), decode_s=0.25)
            self.session.accept(frame)
            self.time.now_s += each_s

    def publish(self, kafka: FakeKafka) -> None:
        self.outbox.close()
        Publisher(STREAM, self.outbox, kafka, lambda: None, self._log, self.time).run()


def traceparents(kafka: FakeKafka) -> list[str | None]:
    return [FrameHeaders.decode(record["headers"]).traceparent for record in kafka.records]


def test_one_frame_of_a_stream_is_traced_and_then_none_for_a_while() -> None:
    bench, kafka = Bench(Recorder(), every_s=10), FakeKafka()
    bench.capture(25)
    bench.publish(kafka)
    traced = [number for number, text in enumerate(traceparents(kafka)) if text is not None]
    assert traced == [0, 10, 20]


def test_every_frame_is_traced_where_the_seconds_between_are_zero() -> None:
    bench, kafka = Bench(Recorder(), every_s=0), FakeKafka()
    bench.capture(3, each_s=0)
    bench.publish(kafka)
    assert len(set(traceparents(kafka)) - {None}) == 3


def test_the_trace_tells_each_step_to_kafkas_acknowledgement() -> None:
    recorder, kafka = Recorder(), FakeKafka()
    bench = Bench(recorder)
    bench.capture(1, each_s=2)
    bench.publish(kafka)
    found = recorder.recorded()
    assert set(found.names) == {"frame", "decode", "encode", "wait", "send frames.gate"}
    assert found.parent_of("frame") is None
    children = set(found.names) - {"frame"}
    assert {found.parent_of(name) for name in children} == {"frame"}
    (traceparent,) = traceparents(kafka)
    assert traceparent_ids(traceparent) == ids(found.one("send frames.gate"))
    assert known(found.one("send frames.gate"))["messaging.kafka.offset"] == 0
    assert not any(is_failed(span) for span in found.spans)


def test_the_trace_names_the_partition_that_kafka_tells_and_none_before() -> None:
    recorder = Recorder()
    sent, lost = (SampledFrame(recorder.tracer.start("frame"), EPOCH_NS) for _ in range(2))
    sent.send("frames.gate", 10)
    sent.stored(Placed(partition=3, offset=7))
    lost.send("frames.lost", 10)
    lost.dropped("undelivered")
    found = recorder.recorded()
    name = "messaging.destination.partition.id"
    assert known(found.one("send frames.gate"))[name] == "3"
    assert name not in known(found.one("send frames.lost"))


def test_the_trace_begins_with_the_decoding_of_the_packet_by_our_clock() -> None:
    recorder = Recorder()
    bench = Bench(recorder)
    arrival_ns = bench.now_ns()
    bench.capture(1, each_s=2)
    bench.publish(FakeKafka())
    found = recorder.recorded()
    root, decode, wait = found.one("frame"), found.one("decode"), found.one("wait")
    assert root.start_time == decode.start_time == arrival_ns - SECOND_NS // 4
    assert decode.end_time == arrival_ns
    assert (wait.start_time, wait.end_time) == (arrival_ns, arrival_ns + 2 * SECOND_NS)
    assert known(root)["framerail.frame.clock"] == "arrival"
    assert known(root)["framerail.frame.captured_ns"] == arrival_ns


def test_a_camera_whose_clock_is_ahead_moves_no_span() -> None:
    recorder = Recorder()
    bench = Bench(recorder)
    frame = decoded(0)
    ready = EncodedFrame(b"jpeg", "s", 0, frame.arrival_ns + 5 * SECOND_NS, "rtcp", (64, 48))
    sampler = FrameSampler(recorder.tracer, STREAM, 1, bench.now_ns)
    sampler.traced(frame, ready, 0.0, 0.0).trace.dropped("backlog")
    root = recorder.recorded().one("frame")
    assert root.start_time == frame.arrival_ns
    assert known(root)["framerail.frame.capture_to_arrival_s"] == -5.0


@pytest.mark.parametrize("reason", ["backlog", "undelivered"])
def test_a_traced_frame_that_is_dropped_ends_its_trace_with_the_reason(reason: str) -> None:
    recorder = Recorder()
    bench = Bench(recorder, capacity=1 if reason == "backlog" else 10)
    bench.capture(2 if reason == "backlog" else 1)
    kafka = FakeKafka(acknowledges=False)
    bench.publish(kafka)
    if reason == "undelivered":
        kafka.futures[0].fail(RuntimeError("refused"))
    root = recorder.recorded().one("frame")
    assert is_failed(root)
    assert known(root)["error.type"] == reason


def test_no_header_is_written_where_traces_are_off() -> None:
    bench, kafka = Bench(None), FakeKafka()
    bench.capture(5, each_s=100)
    bench.publish(kafka)
    assert traceparents(kafka) == [None] * 5
    assert all("traceparent" not in dict(record["headers"]) for record in kafka.records)


def test_the_trace_of_a_frame_names_no_address_of_its_camera() -> None:
    recorder = Recorder()
    bench = Bench(recorder)
    bench.capture(1)
    bench.publish(FakeKafka())
    assert "://" not in str([known(span) for span in recorder.recorded().spans])


def test_another_attempt_to_hand_a_frame_over_is_no_other_span() -> None:
    recorder, kafka = Recorder(), FakeKafka(errors=[KafkaTimeoutError("no metadata")])
    bench = Bench(recorder)
    bench.capture(1)
    bench.publish(kafka)
    found = recorder.recorded()
    assert found.names.count("send frames.gate") == 1
    assert traceparent_ids(traceparents(kafka)[0]) == ids(found.one("send frames.gate"))
