"""The consumer's loop on a window: the batches of live, an end, and no wait that has none."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from consumer.batches import Batch, BatchAssembler
from consumer.detections import Answer, FrameOutput, Refusal
from consumer.evidence import chosen_frames
from consumer.kafka_source import fetched_frame
from consumer.patience import PatientInference
from consumer.replaying.frames import WindowFrames
from consumer.replaying.inference import BoundedInference
from consumer.replaying.results import ReplayResults
from consumer.replaying.window import Window
from consumer.service import ConsumerService, Limits
from consumer.worker import BatchOutcome, BatchWorker, ResultRules
from contracts.results import BatchResult, FrameResult, Model
from runtime.deadline import Deadline
from runtime.errors import DependencyError, TransientError
from runtime.health import Heartbeat
from runtime.stop import StopSignal
from runtime.storms import StormFold
from tests.unit.consumer_fakes import FakeAcknowledgement, FakeResults, output
from tests.unit.producer_fakes import RecordingLog
from tests.unit.replay_fakes import TOPIC, FakeClock, FakeLog, Record, record

RULES = ResultRules(Model("m", "1"), (8, 8), ["background", "person"], 0.5, "none", 10**6)
SIZE = 25


def _refusing_worker() -> BatchWorker:
    """The fakes' frames hold no JPEG, so every one is refused without asking a model."""
    return BatchWorker(RULES, lambda images: None, now_ns=lambda: 2_000_000_000_000_000_000)


@dataclass
class Run:
    """One replay of a window of a log in memory."""

    log: FakeLog
    first: int
    end: int
    sink: FakeResults = field(default_factory=FakeResults)
    work: Callable[[Batch], BatchOutcome | None] = field(default_factory=_refusing_worker)
    clock: FakeClock = field(default_factory=FakeClock)
    stop: StopSignal = field(default_factory=StopSignal)
    progress: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        window = Window(TOPIC, self.first, self.end)
        waited = Deadline(30, self.clock)
        self.frames = WindowFrames(self.log, window, self.stop, waited, self.progress.append)
        self.results = ReplayResults(self.sink, lambda: Deadline(30, self.clock))
        self.recorded, log = RecordingLog.pair()
        limits = Limits(SIZE, 0.0, 2, stop_timeout_s=1)
        self.service = ConsumerService(self.frames, self.results, self.work, limits, log)

    def whole(self) -> list[BatchResult]:
        """Run to the end; return what was written."""
        self.service.run(self.stop, Heartbeat(self.clock, 60))
        return [outcome.result for outcome in self.sink.written]


def offsets(results: Sequence[BatchResult]) -> list[list[int]]:
    return [[frame.offset for frame in result.frames] for result in results]


def log_of(*frames_in_session: int) -> FakeLog:
    """A log whose camera connected anew after so many frames."""
    sessions = [number for number, count in enumerate(frames_in_session) for _ in range(count)]
    return FakeLog([record(at, f"s{number}") for at, number in enumerate(sessions)])


def test_a_window_is_closed_by_size_and_its_rest_by_its_end() -> None:
    run = Run(log_of(200), 25, 85)
    results = run.whole()
    assert offsets(results) == [[*range(25, 50)], [*range(50, 75)], [*range(75, 85)]]
    assert [result.closed_by for result in results] == ["size", "size", "window_end"]
    assert run.frames.is_complete


def test_a_window_of_whole_batches_ends_with_the_last_of_them() -> None:
    results = Run(log_of(200), 50, 100).whole()
    assert [result.closed_by for result in results] == ["size", "size"]


def test_a_new_session_closes_a_batch_in_a_replay_too() -> None:
    results = Run(log_of(30, 40), 0, 70).whole()
    assert [result.closed_by for result in results] == [
        "size", "session_end", "size", "window_end",
    ]  # fmt: skip


def live_batches(log: FakeLog) -> list[list[int]]:
    """What live closes while it reads the log once, without what is still open at its end."""
    assembler = BatchAssembler(SIZE, max_age_s=60)
    closed = [batch for one in log.log for batch in assembler.add(fetched_frame(one), 0.0)]
    return [[frame.offset for frame in batch.frames] for batch in closed]


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=5),
    st.integers(1, 90),
    st.data(),
)
def test_from_a_batch_boundary_on_the_batches_are_those_of_live(
    sessions: list[int], per_poll: int, data: st.DataObject
) -> None:
    log = log_of(*sessions)
    log.per_poll = per_poll
    live = live_batches(log)
    first = data.draw(st.sampled_from([0, *(batch[0] for batch in live)]))
    end = data.draw(st.integers(first + 1, len(log.log)))
    results = Run(log, first, end).whole()
    whole = [batch for batch in live if first <= batch[0] and batch[-1] < end]
    assert offsets(results)[: len(whole)] == whole
    rest = [at for at in range(first, end) if not whole or at > whole[-1][-1]]
    assert [at for batch in offsets(results)[len(whole) :] for at in batch] == rest


def test_progress_is_told_in_frames_that_are_safe() -> None:
    run = Run(log_of(200), 10, 70)
    run.whole()
    assert run.progress == sorted(run.progress)
    assert run.progress[-1] == 60


def test_no_dead_letter_is_written_again_and_the_result_tells_of_the_frame() -> None:
    run = Run(log_of(30), 0, 30)
    results = run.whole()
    assert all(outcome.refused == () for outcome in run.sink.written)
    assert run.results.counts.not_inferred == run.results.counts.frames == 30
    assert "no JPEG" in str(results[0].frames[0].not_inferred)
    assert len(run.recorded.named("frame.refused")) == 30


def test_evidence_may_be_none_at_all() -> None:
    frames = [FrameResult(at, at, (8, 8)) for at in range(3)]
    assert chosen_frames("none", frames) == []


def test_frames_that_expire_before_they_are_read_are_told_and_the_rest_is_replayed() -> None:
    run = Run(log_of(100), 10, 70)
    run.log.expires_below = 40
    assert offsets(run.whole()) == [[*range(40, 65)], [*range(65, 70)]]
    (expired,) = run.recorded.named("frames.expired")
    assert (expired["first_offset"], expired["last_offset"]) == (10, 39)


def test_a_window_that_expires_as_a_whole_ends_without_a_result() -> None:
    run = Run(log_of(100), 10, 70)
    run.log.expires_below = 90
    assert run.whole() == []
    assert run.frames.is_complete


def test_a_stop_finishes_what_is_in_flight_and_leaves_the_replay_incomplete() -> None:
    stop, refuse = StopSignal(), _refusing_worker()

    def work(batch: Batch) -> BatchOutcome | None:
        stop.set()
        return refuse(batch)

    run = Run(log_of(200), 0, 200, work=work, stop=stop)
    written = run.whole()
    assert 0 < len(written) < 8
    assert run.frames.done == sum(len(result.frames) for result in written)
    assert not run.frames.is_complete


def test_kafka_that_sends_nothing_more_is_not_waited_for_for_ever() -> None:
    class Silent(FakeLog):
        def poll(self, timeout_s: float) -> list[Record]:
            clock.now_s += 10
            return []

    clock = FakeClock()
    with pytest.raises(DependencyError, match=r"nothing more of frames\.cam1 for 30 s"):
        Run(Silent([record(at) for at in range(50)]), 0, 50, clock=clock).whole()


def test_results_that_kafka_never_acknowledges_end_the_replay() -> None:
    class Late(FakeResults):
        def send(self, outcome: BatchOutcome) -> FakeAcknowledgement:
            clock.now_s += 20
            return super().send(outcome)

    clock = FakeClock()
    with pytest.raises(DependencyError, match="not acknowledge a result within 30 s"):
        Run(log_of(200), 0, 200, sink=Late(holds_back=True), clock=clock).whole()


def test_a_topic_that_cannot_be_written_now_is_tried_again_but_not_for_ever() -> None:
    class Away(FakeResults):
        attempts = 0

        def send(self, outcome: BatchOutcome) -> FakeAcknowledgement:
            self.attempts += 1
            clock.now_s += 10
            raise TransientError("topic not known")

    clock, sink = FakeClock(), Away()
    with pytest.raises(DependencyError, match="topic not known"):
        Run(log_of(50), 0, 50, sink=sink, clock=clock).whole()
    assert sink.attempts == 4


class Flaky:
    """A model that is away for so many requests; each takes ten seconds of the clock."""

    def __init__(self, clock: FakeClock, failures: int) -> None:
        self.requests = 0
        self._clock = clock
        self._failures = failures

    def infer(self, images: NDArray[np.uint8]) -> Answer[FrameOutput]:
        self.requests += 1
        self._clock.now_s += 10
        if self.requests <= self._failures:
            raise TransientError("UNAVAILABLE: connection refused")
        return Answer(Model("m", "1"), [output() for _ in images])


class NoWait(StopSignal):
    """A stop signal whose waits take no time."""

    def wait(self, timeout_s: float) -> bool:
        return self.is_set


def asked(failures: int) -> tuple[Answer[FrameOutput | Refusal] | None, BoundedInference, NoWait]:
    clock, stop, (_, log) = FakeClock(), NoWait(), RecordingLog.pair()
    infer = BoundedInference(
        Flaky(clock, failures),
        lambda model, ended: PatientInference(
            model, ended, log, StormFold(clock), random.Random(1)
        ),
        stop,
        lambda: Deadline(60, clock),
    )
    return infer(np.zeros((2, 8, 8, 3), np.uint8)), infer, stop


def test_a_model_that_comes_back_in_time_is_waited_for() -> None:
    answer, infer, stop = asked(failures=4)
    assert answer is not None
    assert len(answer.images) == 2
    assert (infer.gave_up, stop.is_set) == (None, False)


def test_a_model_that_stays_away_ends_the_replay_with_its_reason() -> None:
    answer, infer, stop = asked(failures=100)
    assert answer is None
    assert stop.is_set
    assert infer.gave_up == "no answer within 60 s: UNAVAILABLE: connection refused"
