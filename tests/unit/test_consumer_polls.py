"""How long the consumer's loop waits in a poll, by what it waits for."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from consumer.batches import Batch
from consumer.frame import FetchedFrame
from consumer.service import BUSY_POLL_S, FULL_POLL_S, IDLE_POLL_S, ConsumerService, Limits
from consumer.worker import BatchOutcome, BatchWorker, ResultRules
from contracts.results import Model
from runtime.logs import get_logger
from tests.unit.consumer_fakes import FakeFrames, FakeResults, frame

RULES = ResultRules(Model("m", "1"), (8, 8), ["background", "person"], 0.5, "best", 10_000)
DEADLINE_S = 10


@dataclass
class TimedFrames(FakeFrames):
    """Remembers how long each poll might have taken."""

    timeouts_s: list[float] = field(default_factory=list)

    def poll(self, timeout_s: float) -> list[FetchedFrame]:
        self.timeouts_s.append(timeout_s)
        return super().poll(timeout_s)


def service_of(
    frames: FakeFrames,
    results: FakeResults,
    work: Callable[[Batch], BatchOutcome | None],
) -> ConsumerService:
    limits = Limits(25, 60.0, 2, stop_timeout_s=5)
    return ConsumerService(frames, results, work, limits, get_logger(), time.monotonic)


def refusing_worker() -> BatchWorker:
    return BatchWorker(RULES, lambda images: None, now_ns=lambda: 2_000_000_000_000_000_000)


def turn_until(service: ConsumerService, condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s
        service.turn()


def test_with_nothing_to_do_it_waits_for_frames() -> None:
    frames = TimedFrames()
    service_of(frames, FakeResults(), refusing_worker()).turn()
    assert frames.timeouts_s == [IDLE_POLL_S]


def test_while_full_it_waits_for_the_batch_that_ends_next_and_only_keeps_the_group() -> None:
    gate = threading.Event()
    refuse = refusing_worker()

    def slow(batch: Batch) -> BatchOutcome | None:
        gate.wait(DEADLINE_S)
        return refuse(batch)

    frames = TimedFrames([frame(at) for at in range(100)])
    results = FakeResults()
    service = service_of(frames, results, slow)
    turn_until(service, lambda: frames.paused)
    frames.timeouts_s.clear()
    service.turn()
    assert frames.timeouts_s == [FULL_POLL_S]
    gate.set()
    turn_until(service, lambda: len(results.written) == 4)


def test_while_all_results_wait_for_kafka_it_does_not_spin() -> None:
    frames = TimedFrames([frame(at) for at in range(100)])
    results = FakeResults(holds_back=True)
    service = service_of(frames, results, refusing_worker())
    turn_until(service, lambda: len(results.written) == 2)
    frames.timeouts_s.clear()
    for _ in range(5):
        service.turn()
    assert frames.timeouts_s == [BUSY_POLL_S] * 5
