"""A stream reads and publishes in threads of its own, and ends within its deadline."""

import random
import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry

from producer.load import LoadGovernor
from producer.metrics import ProducerMetrics
from producer.settings import ProducerSettings
from producer.stream import Stream, open_stream
from runtime.stop import StopSignal
from runtime.streams_file import StreamSpec
from tests.producer_clips import ClipSpec, write_clip
from tests.unit.producer_fakes import FakeKafka, RecordingLog


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)


def opened(clip: Path, kafka: FakeKafka) -> tuple[Stream, StopSignal, RecordingLog]:
    recorded, log = RecordingLog.pair()
    stop = StopSignal()
    spec = StreamSpec.model_construct(id="gate", url=str(clip))  # a file stands in for a camera
    metrics = ProducerMetrics(CollectorRegistry())
    settings = ProducerSettings.model_validate({})
    stream = open_stream(
        spec, settings, LoadGovernor(10), kafka, stop, metrics, log, random.Random(1)
    )
    return stream, stop, recorded


def finish(stream: Stream, stop: StopSignal, within_s: float) -> None:
    stop.set()
    deadline_s = time.monotonic() + within_s
    stream.finish_reading(deadline_s)
    stream.finish_publishing(deadline_s)


def test_the_frames_of_a_camera_are_published_until_the_stream_is_finished(tmp_path: Path) -> None:
    kafka = FakeKafka()
    stream, stop, recorded = opened(write_clip(tmp_path / "c.mp4", ClipSpec(frames=10)), kafka)
    assert not stream.is_alive
    stream.start()
    wait_until(lambda: len(kafka.records) == 10)
    assert stream.is_alive
    finish(stream, stop, within_s=10)
    assert not stream.is_alive
    assert recorded.named("stream.stopped") == [{}]


def test_what_kafka_did_not_take_in_time_is_told(tmp_path: Path) -> None:
    kafka = FakeKafka(acknowledges=False)
    stream, stop, recorded = opened(write_clip(tmp_path / "c.mp4", ClipSpec(frames=10)), kafka)
    stream.start()
    wait_until(lambda: len(kafka.records) == 10)
    finish(stream, stop, within_s=0.2)
    assert recorded.named("stream.stopped") == [{"unpublished": 10}]
