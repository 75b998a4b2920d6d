"""How the trace of a sampled frame goes on with its batch."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
import simplejpeg
import structlog
from numpy.typing import NDArray

from consumer.batches import Batch
from consumer.detections import Answer, FrameOutput
from consumer.frame import FetchedFrame
from consumer.patience import PatientInference
from consumer.replaying.results import ReplayResults
from consumer.settings import ConsumerSettings
from consumer.tracing import TracedModel, TracedWorker
from consumer.triton import InferenceRefused
from consumer.worker import BatchOutcome, BatchWorker, ResultRules
from contracts.coordinates import Coordinates
from contracts.frames import FrameHeaders
from contracts.results import Model
from runtime.deadline import Deadline
from runtime.errors import TransientError
from runtime.logs import get_logger
from runtime.storms import StormFold
from tests.unit.consumer_fakes import SOURCE, FakeResults, output
from tests.unit.recorded_spans import (
    REMOTE,
    REMOTE_SPAN,
    REMOTE_TRACE,
    Recorder,
    ids,
    is_failed,
    known,
    traceparent_ids,
)

SECOND_NS = 1_000_000_000
EPOCH_NS = 1_795_000_000 * SECOND_NS
OTHER = REMOTE.replace(REMOTE_TRACE, "a" * 32)
MODEL = "inference.GRPCInferenceService/ModelInfer"
JPEG = bytes(simplejpeg.encode_jpeg(np.full((48, 64, 3), 128, np.uint8)))
RULES = ResultRules(Model("ssd", "2"), (300, 300), ["background", "person"], 0.5, "best", 10**7)


@dataclass
class StoredRecord:
    offset: int
    partition: int = 2


class FakeModel:
    """Answers every image, after it has raised the errors given."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.contexts: list[dict[str, object]] = []

    def infer(self, images: NDArray[np.uint8]) -> Answer[FrameOutput]:
        self.contexts.append(structlog.contextvars.get_contextvars())
        if self._errors:
            raise self._errors.pop(0)
        return Answer(Model("ssd", "7"), [output() for _ in images])


class NoWaiting:
    """Stands for the stop signal: waits take no time, and `stops` ends them."""

    def __init__(self, stops: bool = False) -> None:
        self._stops = stops

    def wait(self, timeout_s: float) -> bool:
        return self._stops


def frame(
    offset: int,
    traceparent: str | None = None,
    jpeg: bytes = JPEG,
    replay_of: Coordinates | None = None,
) -> FetchedFrame:
    headers = FrameHeaders("s", offset, EPOCH_NS, "arrival", (64, 48), {}, traceparent, replay_of)
    fetched_ns = EPOCH_NS + offset * SECOND_NS
    return FetchedFrame.read(SOURCE, offset, jpeg, headers.encode(), 0, fetched_ns)


def batch(*frames: FetchedFrame) -> Batch:
    return Batch(frames, "size", float(len(frames)))


def worker(recorder: Recorder, model: FakeModel, stop: NoWaiting | None = None) -> TracedWorker:
    asked = TracedModel(model, ConsumerSettings())
    infer = PatientInference(
        asked, stop or NoWaiting(), get_logger(), StormFold(lambda: 0.0), random.Random(1)
    )
    return TracedWorker(BatchWorker(RULES, infer), recorder.tracer, "consumer")


def worked(recorder: Recorder, frames: Sequence[FetchedFrame], *errors: Exception) -> BatchOutcome:
    """Have a batch worked on, sent and acknowledged; return it as it was sent."""
    outcome = worker(recorder, FakeModel(*errors))(batch(*frames))
    assert outcome is not None
    sent = replace(outcome, result=outcome.trace.sending(outcome.result))
    outcome.trace.stored(StoredRecord(99))
    return sent


def test_the_trace_of_a_sampled_frame_goes_on_to_the_result() -> None:
    recorder = Recorder()
    sent = worked(recorder, [frame(0), frame(1, REMOTE), frame(2)])
    found = recorder.recorded()
    whole = found.one("process frames.cam1")
    assert set(found.names) == {whole.name, "gather", "decode", MODEL, "send results"}
    assert whole.parent is not None
    assert ids(whole)[0] == REMOTE_TRACE
    assert f"{whole.parent.span_id:016x}" == REMOTE_SPAN
    children = set(found.names) - {whole.name}
    assert {found.parent_of(name) for name in children} == {whole.name}
    assert traceparent_ids(sent.result.traceparent) == ids(found.one("send results"))
    assert known(whole)["messaging.kafka.offset"] == 1
    assert known(whole)["messaging.batch.message_count"] == 3
    assert known(found.one("send results"))["messaging.kafka.offset"] == 99
    assert known(found.one("send results"))["messaging.destination.partition.id"] == "2"
    assert not any(is_failed(span) for span in found.spans)


def test_gathering_lasts_from_the_fetch_of_the_sampled_frame_until_the_batch_closes() -> None:
    recorder = Recorder()
    worked(recorder, [frame(0), frame(1, REMOTE), frame(2)])
    found = recorder.recorded()
    gather = found.one("gather")
    assert gather.start_time == found.one("process frames.cam1").start_time == EPOCH_NS + SECOND_NS
    assert gather.end_time == EPOCH_NS + 3 * SECOND_NS


def test_further_sampled_frames_are_linked_and_lead_to_the_batch() -> None:
    recorder = Recorder()
    worked(recorder, [frame(0, REMOTE), frame(1), frame(2, OTHER)])
    spans = [s for s in recorder.recorded().spans if s.name == "process frames.cam1"]
    whole = next(span for span in spans if ids(span)[0] == REMOTE_TRACE)
    further = next(span for span in spans if ids(span)[0] == "a" * 32)
    assert [ids(link) for link in whole.links] == [("a" * 32, REMOTE_SPAN)]
    assert [ids(link) for link in further.links] == [ids(whole)]
    assert known(further)["messaging.kafka.offset"] == 2


@pytest.mark.parametrize(
    "traceparent",
    [
        None,
        "",
        "00-t-s-01",
        REMOTE.replace("-01", "-00"),
        REMOTE.replace(REMOTE_TRACE, "0" * 32),
        REMOTE.replace(REMOTE_SPAN, "0" * 16),
        REMOTE.upper(),
        "ff" + REMOTE[2:],
        REMOTE + "-more",
        "01" + REMOTE[2:] + "-" + "x" * 1000,
    ],
)
def test_what_is_no_sampled_traceparent_traces_nothing(traceparent: str | None) -> None:
    recorder = Recorder()
    sent = worked(recorder, [frame(0, traceparent)])
    assert recorder.recorded().names == []
    assert sent.result.traceparent is None


def test_a_frame_that_was_put_back_begins_a_new_trace_with_a_link_to_its_old_one() -> None:
    recorder = Recorder()
    old = Coordinates("frames.cam1", 0, 4)
    sent = worked(recorder, [frame(7, REMOTE, replay_of=old)])
    found = recorder.recorded()
    whole = found.one("process frames.cam1")
    assert whole.parent is None
    assert ids(whole)[0] != REMOTE_TRACE
    assert [ids(link) for link in whole.links] == [(REMOTE_TRACE, REMOTE_SPAN)]
    assert known(whole)["framerail.replay_of"] == str(old)
    assert traceparent_ids(sent.result.traceparent)[0] == ids(whole)[0]


def test_a_live_frame_goes_before_one_that_was_put_back() -> None:
    recorder = Recorder()
    back = frame(0, OTHER, replay_of=Coordinates("frames.cam1", 0, 4))
    worked(recorder, [back, frame(1, REMOTE)])
    whole = recorder.recorded().one("process frames.cam1")
    assert ids(whole)[0] == REMOTE_TRACE
    assert [ids(link)[0] for link in whole.links] == ["a" * 32]


def test_a_refused_frame_fails_its_own_trace_and_is_told_in_that_of_its_batch() -> None:
    recorder = Recorder()
    worked(recorder, [frame(0, REMOTE), frame(1, OTHER, b"no picture"), frame(2, jpeg=b"x")])
    spans = [s for s in recorder.recorded().spans if s.name == "process frames.cam1"]
    failed = {ids(span)[0]: is_failed(span) for span in spans}
    assert failed == {REMOTE_TRACE: False, "a" * 32: True}
    whole = next(span for span in spans if ids(span)[0] == REMOTE_TRACE)
    offsets = [dict(event.attributes or {})["framerail.frame.offset"] for event in whole.events]
    assert offsets == [1, 2]


def test_a_sampled_frame_that_is_refused_fails_its_trace() -> None:
    recorder = Recorder()
    worked(recorder, [frame(0, REMOTE, b"no picture")])
    whole = recorder.recorded().one("process frames.cam1")
    assert is_failed(whole)
    assert known(whole)["error.type"] == "consumer.decode"


def test_each_request_to_the_model_is_a_span_and_failed_ones_say_why() -> None:
    recorder = Recorder()
    worked(recorder, [frame(0, REMOTE)], TransientError("away"), InferenceRefused("bad"))
    requests = [span for span in recorder.recorded().spans if span.name == MODEL]
    assert [is_failed(span) for span in requests] == [True, True, False]
    assert [span.status.description for span in requests] == ["away", "bad", None]
    assert known(requests[0])["server.port"] == 9000


def test_log_lines_of_a_traced_batch_carry_its_trace_id_and_others_none() -> None:
    recorder, model = Recorder(), FakeModel()
    work = worker(recorder, model)
    work(batch(frame(0, REMOTE)))
    work(batch(frame(1)))
    assert [context.get("trace_id") for context in model.contexts] == [REMOTE_TRACE, None]


def test_a_stop_while_the_model_is_away_ends_the_trace_as_stopped() -> None:
    recorder = Recorder()
    model = FakeModel(TransientError("away"))
    assert worker(recorder, model, NoWaiting(stops=True))(batch(frame(0, REMOTE))) is None
    whole = recorder.recorded().one("process frames.cam1")
    assert known(whole)["error.type"] == "stopped"


def test_a_defect_of_the_work_fails_its_trace_and_is_raised() -> None:
    recorder = Recorder()
    with pytest.raises(ZeroDivisionError):
        worker(recorder, FakeModel(ZeroDivisionError("by zero")))(batch(frame(0, REMOTE)))
    whole = recorder.recorded().one("process frames.cam1")
    assert is_failed(whole)
    assert known(whole)["error.type"] == "ZeroDivisionError"


def test_another_attempt_to_send_a_result_is_the_same_span() -> None:
    recorder = Recorder()
    outcome = worker(recorder, FakeModel())(batch(frame(0, REMOTE)))
    assert outcome is not None
    attempts = [outcome.trace.sending(outcome.result) for _ in range(2)]
    assert attempts[0] == attempts[1]
    outcome.trace.stored(StoredRecord(1))
    assert recorder.recorded().names.count("send results") == 1


def test_a_result_that_kafka_refuses_fails_its_trace() -> None:
    recorder = Recorder()
    outcome = worker(recorder, FakeModel())(batch(frame(0, REMOTE)))
    assert outcome is not None
    outcome.trace.sending(outcome.result)
    outcome.trace.refused(RuntimeError("too large"))
    found = recorder.recorded()
    assert is_failed(found.one("send results"))
    assert is_failed(found.one("process frames.cam1"))


def test_a_replay_for_comparison_carries_no_traceparent_and_traces_nothing() -> None:
    infer = PatientInference(
        FakeModel(), NoWaiting(), get_logger(), StormFold(lambda: 0.0), random.Random(1)
    )
    outcome = BatchWorker(RULES, infer)(batch(frame(0, REMOTE)))
    assert outcome is not None
    kept = FakeResults()
    ReplayResults(kept, lambda: Deadline(1)).send(outcome)
    (written,) = kept.written
    assert written.trace.sending(written.result).traceparent is None


def test_where_traces_are_off_a_result_is_sent_as_it_was_made() -> None:
    outcome = BatchWorker(RULES, lambda images: None)(batch(frame(0, REMOTE, b"no picture")))
    assert outcome is not None
    assert outcome.trace.sending(outcome.result) is outcome.result
