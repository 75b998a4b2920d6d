"""How the trace of a batch goes on to its pictures."""

import random
import time
from dataclasses import replace as replaced

import msgspec
import pytest

from contracts.frames import REPLAY_OF
from contracts.results import BatchResult
from postproc.patience import PatientStore
from postproc.pictures import PictureLimits
from postproc.settings import PostprocSettings
from postproc.tracing import TracedResults, TracedStore
from postproc.worker import RecordWorker
from runtime.errors import TransientError
from runtime.health import Heartbeat
from runtime.logs import get_logger
from runtime.stop import StopSignal
from tests.postproc_results import batch_result, jpeg_of
from tests.unit.postproc_fakes import FakeBucket, FakeDeadLetters, record
from tests.unit.recorded_spans import (
    REMOTE,
    REMOTE_SPAN,
    REMOTE_TRACE,
    Recorder,
    ids,
    is_failed,
    known,
)


class NoWaiting(StopSignal):
    """A stop signal whose waits take no time."""

    def wait(self, timeout_s: float) -> bool:
        return self.is_set


def worker(recorder: Recorder, bucket: FakeBucket) -> RecordWorker:
    settings = PostprocSettings(s3_bucket="evidence")
    heartbeat = Heartbeat(time.monotonic, 60)
    store = PatientStore(
        TracedStore(bucket, settings), NoWaiting(), heartbeat, get_logger(), random.Random(1)
    )
    return RecordWorker(
        PictureLimits(100_000, 90),
        store,
        FakeDeadLetters(),
        get_logger(),
        traced=TracedResults(recorder.tracer, "postproc"),
    )


def traced(*jpegs: bytes, traceparent: str | None = REMOTE) -> BatchResult:
    result = batch_result(evidence_jpegs=list(jpegs))
    return msgspec.structs.replace(result, traceparent=traceparent)


def test_the_trace_goes_on_from_the_result_to_each_picture_in_s3() -> None:
    recorder = Recorder()
    result = traced(jpeg_of(), jpeg_of())
    assert worker(recorder, FakeBucket())(record(result, offset=5))
    found = recorder.recorded()
    whole = found.one("process results")
    assert whole.parent is not None
    assert (ids(whole)[0], f"{whole.parent.span_id:016x}") == (REMOTE_TRACE, REMOTE_SPAN)
    assert found.names == ["process results", *["draw", "S3.PutObject"] * 2]
    puts = [span for span in found.spans if span.name == "S3.PutObject"]
    assert [known(put)["aws.s3.key"] for put in puts] == [one.key for one in result.evidence]
    assert {put.parent and put.parent.span_id for put in puts} == {
        whole.context and whole.context.span_id
    }
    assert known(whole)["messaging.kafka.offset"] == 5


def test_a_request_that_s3_did_not_take_is_a_failed_span_of_its_own() -> None:
    recorder = Recorder()
    bucket = FakeBucket(failures=[TransientError("https://me:hush@s3.example is away")])
    assert worker(recorder, bucket)(record(traced(jpeg_of())))
    puts = [span for span in recorder.recorded().spans if span.name == "S3.PutObject"]
    assert [is_failed(put) for put in puts] == [True, False]
    assert puts[0].status.description == "https://***@s3.example is away"


def test_a_picture_that_cannot_be_drawn_fails_the_trace_with_its_stage() -> None:
    recorder = Recorder()
    assert worker(recorder, FakeBucket())(record(traced(b"no jpeg")))
    found = recorder.recorded()
    assert is_failed(found.one("draw"))
    assert is_failed(found.one("process results"))
    assert known(found.one("process results"))["error.type"] == "postproc.draw"


def test_a_result_that_was_put_back_begins_a_new_trace_with_a_link_to_its_old_one() -> None:
    recorder = Recorder()
    put_back = replaced(record(traced(jpeg_of())), headers=[(REPLAY_OF, b"results-0-3")])
    assert worker(recorder, FakeBucket())(put_back)
    whole = recorder.recorded().one("process results")
    assert whole.parent is None
    assert ids(whole)[0] != REMOTE_TRACE
    assert [ids(link) for link in whole.links] == [(REMOTE_TRACE, REMOTE_SPAN)]


@pytest.mark.parametrize("traceparent", [None, "nonsense", REMOTE.replace("-01", "-00")])
def test_a_result_without_a_sampled_parent_is_stored_and_traced_by_nobody(
    traceparent: str | None,
) -> None:
    recorder, bucket = Recorder(), FakeBucket()
    assert worker(recorder, bucket)(record(traced(jpeg_of(), traceparent=traceparent)))
    assert len(bucket.kept) == 1
    assert recorder.recorded().names == []


def test_a_record_that_is_no_result_is_refused_and_traced_by_nobody() -> None:
    recorder = Recorder()
    assert worker(recorder, FakeBucket())(record(b"{poison"))
    assert recorder.recorded().names == []
