"""The consumer's loop on a log in memory: order, back-pressure, and what a crash may repeat."""

import threading
import time
from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from consumer.batches import Batch
from consumer.service import ConsumerService, Limits
from consumer.worker import BatchOutcome, BatchWorker, ResultRules
from contracts.results import Model
from ops.ledger.tally import StreamTally
from runtime.errors import TransientError
from runtime.health import Heartbeat
from runtime.logs import get_logger
from runtime.stop import StopSignal
from tests.unit.consumer_fakes import (
    OTHER,
    SOURCE,
    FakeAcknowledgement,
    FakeFrames,
    FakeResults,
    frame,
)
from tests.unit.producer_fakes import RecordingLog

RULES = ResultRules(Model("m", "1"), (8, 8), ["background", "person"], 0.5, "best", 10_000)
DEADLINE_S = 10


def _refusing_worker() -> BatchWorker:
    """The fakes' frames hold no JPEG, so every one is refused without asking a model."""
    return BatchWorker(RULES, lambda images: None, now_ns=lambda: 2_000_000_000_000_000_000)


class _Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def make_service(clock: _Clock) -> Callable[..., ConsumerService]:
    def make(
        frames: FakeFrames,
        results: FakeResults,
        work: Callable[[Batch], BatchOutcome | None] | None = None,
        in_flight: int = 2,
    ) -> ConsumerService:
        limits = Limits(25, 2.0, in_flight, stop_timeout_s=5)
        work = work or _refusing_worker()
        return ConsumerService(frames, results, work, limits, get_logger(), clock)

    return make


def _turn_until(service: ConsumerService, condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline_s, "the condition never came true"
        service.turn()


def test_whole_batches_are_written_in_order_and_then_committed(
    make_service: Callable[..., ConsumerService],
) -> None:
    frames, results = FakeFrames([frame(at) for at in range(75)]), FakeResults()
    service = make_service(frames, results)
    _turn_until(service, lambda: frames.committed_next.get(SOURCE) == 75)
    firsts = [outcome.result.source.first_offset for outcome in results.written]
    assert firsts == [0, 25, 50]


def test_offsets_wait_for_the_acknowledgement_of_their_result(
    make_service: Callable[..., ConsumerService],
) -> None:
    frames, results = FakeFrames([frame(at) for at in range(25)]), FakeResults(holds_back=True)
    service = make_service(frames, results)
    _turn_until(service, lambda: bool(results.written))
    service.turn()
    assert frames.committed_next == {}
    results.flush(1)
    service.turn()
    assert frames.committed_next == {SOURCE: 25}


def test_a_failed_commit_is_tried_again(make_service: Callable[..., ConsumerService]) -> None:
    frames = FakeFrames([frame(at) for at in range(25)], commit_failures=2)
    service = make_service(frames, FakeResults())
    _turn_until(service, lambda: frames.committed_next == {SOURCE: 25})


def test_a_result_whose_topic_is_not_known_now_is_handed_over_later(
    make_service: Callable[..., ConsumerService],
) -> None:
    failures = iter([True, True])

    class FailingAtFirst(FakeResults):
        def send(self, outcome: BatchOutcome) -> FakeAcknowledgement:
            if next(failures, False):
                raise TransientError("topic not known")
            return super().send(outcome)

    frames, results = FakeFrames([frame(at) for at in range(50)]), FailingAtFirst()
    service = make_service(frames, results)
    _turn_until(service, lambda: frames.committed_next == {SOURCE: 50})
    assert len(results.written) == 2


def test_a_tail_is_flushed_by_age_only_at_the_end_of_the_log(
    make_service: Callable[..., ConsumerService], clock: _Clock
) -> None:
    frames, results = FakeFrames([frame(at) for at in range(30)], per_poll=10), FakeResults()
    service = make_service(frames, results)
    service.turn()
    clock.now_s += 60  # old, but twenty more frames are known to be there
    _turn_until(service, lambda: frames.committed_next.get(SOURCE) == 25)
    clock.now_s += 1.9
    service.turn()
    assert len(results.written) == 1
    clock.now_s += 0.2
    _turn_until(service, lambda: frames.committed_next.get(SOURCE) == 30)
    assert results.written[1].result.closed_by == "age"


def test_nothing_is_written_after_an_aged_batch_before_it_is_committed(
    make_service: Callable[..., ConsumerService], clock: _Clock
) -> None:
    frames, results = FakeFrames([frame(at) for at in range(5)]), FakeResults(holds_back=True)
    service = make_service(frames, results)
    service.turn()
    clock.now_s += 3
    _turn_until(service, lambda: len(results.written) == 1)
    frames.log += [frame(at) for at in range(5, 30)]
    for _ in range(20):
        service.turn()
    assert len(results.written) == 1
    results.flush(1)
    results.holds_back = False
    _turn_until(service, lambda: frames.committed_next.get(SOURCE) == 30)


def test_while_inference_is_behind_fetching_pauses_and_polling_goes_on(
    make_service: Callable[..., ConsumerService],
) -> None:
    gate = threading.Event()
    refuse = _refusing_worker()

    def slow(batch: Batch) -> BatchOutcome | None:
        gate.wait(DEADLINE_S)
        return refuse(batch)

    frames = FakeFrames([frame(at) for at in range(500)])
    service = make_service(frames, FakeResults(), slow)
    for _ in range(50):
        service.turn()
    assert frames.paused
    assert frames.position == 50  # two batches in flight, not one frame more
    gate.set()
    _turn_until(service, lambda: frames.committed_next.get(SOURCE) == 500)


def test_results_that_kafka_does_not_acknowledge_press_back_too(
    make_service: Callable[..., ConsumerService],
) -> None:
    frames = FakeFrames([frame(at) for at in range(500)])
    results = FakeResults(holds_back=True)
    service = make_service(frames, results)
    _turn_until(service, lambda: len(results.written) == 2)
    for _ in range(20):
        service.turn()
    assert frames.paused
    assert frames.position == 50
    results.holds_back = False
    results.flush(1)
    _turn_until(service, lambda: frames.committed_next.get(SOURCE) == 500)


def test_while_fetching_pauses_no_batch_is_cut_short_by_age(
    make_service: Callable[..., ConsumerService], clock: _Clock
) -> None:
    frames = FakeFrames([frame(0, source=OTHER), *(frame(at) for at in range(50))], per_poll=60)
    results = FakeResults(holds_back=True)
    service = make_service(frames, results)
    service.turn()
    assert frames.paused
    clock.now_s += 60  # nobody looks whether the other stream has more
    _turn_until(service, lambda: len(results.written) == 2)
    for _ in range(20):
        service.turn()
    assert len(results.written) == 2
    frames.log += [frame(at, source=OTHER) for at in range(1, 25)]
    results.holds_back = False
    results.flush(1)
    _turn_until(service, lambda: frames.committed_next.get(OTHER) == 25)
    assert results.written[-1].result.closed_by == "size"


def test_streams_are_gathered_apart_and_frames_missing_from_the_log_are_counted(
    make_service: Callable[..., ConsumerService],
) -> None:
    offsets = [*range(10), *range(15, 30)]
    frames = FakeFrames([frame(at, source=source) for at in offsets for source in (SOURCE, OTHER)])
    results, expired_before = FakeResults(), _expired("cam2")
    service = make_service(frames, results)
    _turn_until(service, lambda: frames.committed_next == {SOURCE: 30, OTHER: 30})
    assert {outcome.result.stream_id for outcome in results.written} == {"cam1", "cam2"}
    assert all([f.offset for f in one.result.frames] == offsets for one in results.written)
    assert _expired("cam2") - expired_before == 5


def test_frames_that_expired_while_nobody_read_are_counted(
    make_service: Callable[..., ConsumerService],
) -> None:
    frames = FakeFrames([frame(at) for at in range(40, 65)], committed_next={SOURCE: 10})
    expired_before = _expired("cam1")
    _turn_until(
        make_service(frames, FakeResults()), lambda: frames.committed_next.get(SOURCE) == 65
    )
    assert _expired("cam1") - expired_before == 30


def _expired(stream_id: str) -> float:
    return REGISTRY.get_sample_value("framerail_frames_expired_total", {"stream": stream_id}) or 0


def test_a_partition_taken_away_is_neither_written_nor_committed(
    make_service: Callable[..., ConsumerService],
) -> None:
    gate = threading.Event()
    refuse = _refusing_worker()

    def slow(batch: Batch) -> BatchOutcome | None:
        gate.wait(DEADLINE_S)
        return refuse(batch)

    frames, results = FakeFrames([frame(at) for at in range(25)]), FakeResults()
    service = make_service(frames, results, slow)
    service.turn()
    frames.revoked = {SOURCE}
    gate.set()
    for _ in range(20):
        service.turn()
    assert (results.written, frames.committed_next) == ([], {})


def test_a_stop_ends_what_is_in_flight_and_leaves_the_open_batch_to_be_read_again(
    make_service: Callable[..., ConsumerService],
) -> None:
    frames = FakeFrames([frame(at) for at in range(30)])
    stop = StopSignal()

    class StopAfterOneBatch(FakeResults):
        def send(self, outcome: BatchOutcome) -> FakeAcknowledgement:
            stop.set()
            return super().send(outcome)

    results = StopAfterOneBatch(holds_back=True)
    service = make_service(frames, results)
    service.run(stop, Heartbeat(time.monotonic, 60))
    assert frames.committed_next == {SOURCE: 25}
    assert len(results.written) == 1


def test_a_batch_given_up_at_a_stop_holds_back_those_behind_it(
    make_service: Callable[..., ConsumerService],
) -> None:
    refuse = _refusing_worker()
    stop = StopSignal()

    def first_gives_up(batch: Batch) -> BatchOutcome | None:
        stop.set()
        return None if batch.first_offset == 0 else refuse(batch)

    frames, results = FakeFrames([frame(at) for at in range(50)]), FakeResults()
    make_service(frames, results, first_gives_up).run(stop, Heartbeat(time.monotonic, 60))
    assert (results.written, frames.committed_next) == ([], {})


def _stopped(results: FakeResults, work: Callable[[Batch], BatchOutcome | None]) -> RecordingLog:
    """Run on one full batch until it is worked on, then stop; return what was logged."""
    stop, (recorded, log) = StopSignal(), RecordingLog.pair()

    def working(batch: Batch) -> BatchOutcome | None:
        stop.set()
        return work(batch)

    frames = FakeFrames([frame(at) for at in range(25)])
    limits = Limits(25, 2.0, 2, stop_timeout_s=0.3)
    begun_s = time.monotonic()
    ConsumerService(frames, results, working, limits, log).run(stop, Heartbeat(time.monotonic, 60))
    assert time.monotonic() - begun_s < 3
    return recorded


def test_a_stop_waits_no_longer_than_its_limit_for_a_request_that_hangs() -> None:
    gate = threading.Event()
    (unfinished,) = _stopped(FakeResults(), lambda batch: _hang(gate)).named("stop.unfinished")
    gate.set()
    assert (unfinished["batches"], unfinished["uncommitted"]) == (1, 0)


def _hang(gate: threading.Event) -> None:
    gate.wait(DEADLINE_S)


def test_a_stop_while_kafka_is_away_says_what_is_left_and_is_no_error() -> None:
    class AwayResults(FakeResults):
        def flush(self, timeout_s: float) -> None:
            time.sleep(timeout_s)
            raise TransientError("Kafka is away")

    recorded = _stopped(AwayResults(holds_back=True), _refusing_worker())
    assert len(recorded.named("stop.unfinished")) == 1


@pytest.mark.parametrize("crash_after", range(1, 5))
@pytest.mark.parametrize("written_uncommitted", [0, 1])
def test_a_crash_anywhere_leaves_every_frame_exactly_once_as_a_reader_sees_it(
    make_service: Callable[..., ConsumerService],
    clock: _Clock,
    crash_after: int,
    written_uncommitted: int,
) -> None:
    frames = FakeFrames([frame(at) for at in range(90)])
    results = FakeResults()
    service = make_service(frames, results, in_flight=1)
    frames.commit_failures = 10_000 if written_uncommitted else 0
    _turn_until(service, lambda: len(results.written) >= min(crash_after, 3))
    if crash_after == 4:
        clock.now_s += 3
        _turn_until(service, lambda: len(results.written) == 4)  # the aged tail
    frames.commit_failures = 0
    frames.log += [frame(at) for at in range(90, 110)]
    frames.paused = False
    frames.subscribe()  # a new process: it begins at the committed offset
    again = make_service(frames, results, in_flight=1)
    _turn_until(again, lambda: frames.position == 110)
    clock.now_s += 3
    _turn_until(again, lambda: frames.committed_next.get(SOURCE) == 110)
    tally = StreamTally("cam1", end_offset=110)
    for outcome in results.written:
        tally.add_result(outcome.result)
    report = tally.report(None)
    assert (report.dead_lettered, report.waiting, report.lost, report.doubled) == (110, 0, 0, 0)
