"""What the consumer tells of its work, and when a batch that makes no progress is noticed."""

import random
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import REGISTRY

from consumer.batches import Batch
from consumer.detections import Answer, FrameOutput
from consumer.frame import FetchedFrame, FrameSource
from consumer.patience import BeatingModel, PatientInference
from consumer.reporting import report_safe, report_written
from consumer.service import ConsumerService, Limits
from consumer.settings import ConsumerSettings
from consumer.worker import BatchWorker, ResultRules
from contracts.frames import REPLAY_OF
from contracts.results import Model
from runtime.errors import ConfigurationError, TransientError
from runtime.health import Heartbeat
from runtime.logs import get_logger
from runtime.settings import load_settings
from runtime.storms import StormFold
from tests.postproc_results import jpeg_of
from tests.unit.consumer_fakes import FakeFrames, FakeResults, frame, output, put_back

CAPTURED_S = 1_700_000_000
MODEL = Model("m", "1")


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"framerail_{name}", labels) or 0


@pytest.fixture
def worker() -> BatchWorker:
    """A worker that asks no model: the fakes' frames hold no JPEG."""
    rules = ResultRules(MODEL, (8, 8), ["background", "person"], 0.5, "best", 10_000)
    return BatchWorker(rules, lambda images: None, now_ns=lambda: (CAPTURED_S + 3) * 10**9)


def serving(frames: FakeFrames, results: FakeResults, work: BatchWorker) -> ConsumerService:
    return ConsumerService(frames, results, work, Limits(25, 2.0, 2, 5), get_logger())


def turn_until(service: ConsumerService, condition: Callable[[], bool]) -> None:
    ends_s = time.monotonic() + 20
    while time.monotonic() < ends_s:
        service.turn()
        if condition():
            return
    raise AssertionError("the condition never came true")


def test_the_newest_frame_counts_as_inferred_once_its_result_is_safe(worker: BatchWorker) -> None:
    frames, results = FakeFrames([frame(at) for at in range(25)]), FakeResults(holds_back=True)
    service = serving(frames, results, worker)
    known = value("inferred_timestamp_seconds", stream="cam1")
    turn_until(service, lambda: bool(results.written))
    service.turn()
    assert value("inferred_timestamp_seconds", stream="cam1") == known
    written = value("batch_stage_seconds_count", stage="write")
    results.flush(1)
    turn_until(service, lambda: bool(frames.committed_next))
    assert value("inferred_timestamp_seconds", stream="cam1") == pytest.approx(CAPTURED_S)
    assert value("batch_stage_seconds_count", stage="write") == written + 1


def test_frames_that_were_put_back_tell_nothing_of_how_far_their_stream_has_come() -> None:
    source, hours_ago_ns = FrameSource("frames.replayed", 0), (CAPTURED_S - 7200) * 10**9
    label = {"stream": "replayed"}
    back = [put_back(at, hours_ago_ns, source) for at in range(3)]
    report_safe(Batch(tuple(back), "age", 0.0), 0.1)
    assert REGISTRY.get_sample_value("framerail_inferred_timestamp_seconds", label) is None
    report_safe(Batch((frame(3, source=source), back[0]), "age", 0.0), 0.1)
    assert value("inferred_timestamp_seconds", **label) == pytest.approx(CAPTURED_S)
    report_safe(Batch(tuple(back), "age", 0.0), 0.1)
    assert value("inferred_timestamp_seconds", **label) == pytest.approx(CAPTURED_S)


def test_a_frame_put_back_with_broken_headers_tells_nothing_of_its_stream_either() -> None:
    source = FrameSource("frames.broken", 0)
    broken = FetchedFrame.read(source, 0, b"jpeg", [(REPLAY_OF, b"frames.broken-0@7")], 1)
    assert broken.headers is None
    report_safe(Batch((broken,), "age", 0.0), 0.1)
    shown = REGISTRY.get_sample_value("framerail_inferred_timestamp_seconds", {"stream": "broken"})
    assert shown is None


def test_the_bytes_that_are_fetched_are_counted(worker: BatchWorker) -> None:
    before = value("fetched_bytes_total", stream="cam1")
    frames = FakeFrames([frame(at) for at in range(25)])
    turn_until(serving(frames, FakeResults(), worker), lambda: bool(frames.committed_next))
    assert value("fetched_bytes_total", stream="cam1") == before + 25 * len(b"jpeg")


def test_a_commit_that_kafka_does_not_take_is_counted(worker: BatchWorker) -> None:
    before = value("commit_failures_total")
    frames = FakeFrames([frame(at) for at in range(25)], commit_failures=2)
    turn_until(serving(frames, FakeResults(), worker), lambda: bool(frames.committed_next))
    assert value("commit_failures_total") == before + 2


def test_every_frame_that_a_model_answered_is_timed_from_its_capture() -> None:
    rules = ResultRules(MODEL, (8, 8), ["background", "person"], 0.5, "best", 100_000)
    inferred_ns = (CAPTURED_S + 3) * 10**9
    work = BatchWorker(
        rules, lambda images: Answer(MODEL, [output()] * len(images)), lambda: inferred_ns
    )
    pictures = [replace(frame(at), jpeg=jpeg_of()) for at in range(3)]
    outcome = work(Batch((*pictures, frame(3)), "age", 0.0))
    assert outcome is not None
    before = value("capture_to_inferred_seconds_count", stream="cam1")
    at_3_s = value("capture_to_inferred_seconds_bucket", stream="cam1", le="3.0")
    report_written(outcome, get_logger())
    assert value("capture_to_inferred_seconds_count", stream="cam1") == before + 3
    assert value("capture_to_inferred_seconds_bucket", stream="cam1", le="3.0") == at_3_s + 3


def test_dead_letters_are_counted_from_zero_on() -> None:
    for stage in ("consumer.decode", "consumer.infer"):
        shown = REGISTRY.get_sample_value("framerail_dead_letters_total", {"stage": stage})
        assert shown is not None, "else an alarm would not see the first one"


class AwayFor:
    """A model that answers after some failures, each of which takes 20 s; then it hangs."""

    def __init__(self, failures: int, clock: Clock, hang: Callable[[], None]) -> None:
        self._failures = failures
        self._clock = clock
        self._hang = hang

    def infer(self, images: NDArray[np.uint8]) -> Answer[FrameOutput]:
        self._clock.now_s += 20
        if self._failures:
            self._failures -= 1
            raise TransientError("away")
        self._hang()
        return Answer(MODEL, [output()] * len(images))


class WaitsBetween:
    """The pause between two requests: the loop turns meanwhile, and health is asked."""

    def __init__(self, clock: Clock, heartbeat: Heartbeat) -> None:
        self.were_alive: list[bool] = []
        self._clock = clock
        self._heartbeat = heartbeat

    def wait(self, timeout_s: float) -> bool:
        self._clock.now_s += timeout_s
        self.were_alive.append(self._heartbeat.is_alive)
        return False


def test_a_model_that_is_away_is_waited_for_and_one_that_never_returns_is_noticed() -> None:
    clock = Clock()
    heartbeat = Heartbeat(clock, stuck_after_s=60)
    waits = WaitsBetween(clock, heartbeat)
    while_hanging: list[bool] = []

    def hang() -> None:
        clock.now_s += 60
        while_hanging.append(heartbeat.is_alive)

    model = BeatingModel(AwayFor(30, clock, hang), heartbeat.beat)
    infer = PatientInference(model, waits, get_logger(), StormFold(clock), random.Random(1))
    heartbeat.watching(infer)(np.zeros((1, 2, 2, 3), np.uint8))
    assert clock.now_s > 600
    assert waits.were_alive == [True] * 30
    assert while_hanging == [False]


def test_a_request_may_not_take_longer_than_a_thread_may_be_silent() -> None:
    with pytest.raises(ConfigurationError, match="stuck_after_s 60 must be above 65"):
        load_settings(ConsumerSettings, infer_timeout_s=60)
