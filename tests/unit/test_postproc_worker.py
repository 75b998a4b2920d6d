"""What becomes of one record: stored, refused, or given up at a stop."""

import random
import threading
import time
from dataclasses import replace

from prometheus_client import REGISTRY

from contracts.frames import REPLAY_OF
from postproc.patience import PatientStore
from postproc.pictures import Picture, PictureLimits
from postproc.worker import RecordWorker
from runtime.errors import TransientError
from runtime.health import Heartbeat
from runtime.logs import get_logger
from runtime.s3 import StoreRefused
from runtime.stop import StopSignal
from tests.postproc_results import batch_result, jpeg_of
from tests.unit.postproc_fakes import FakeBucket, FakeDeadLetters, FakeStore, record, wait_until

PICTURE = Picture("evidence/cam1/a.jpg", b"jpeg", {})


def worker_of(store: FakeStore, dead_letters: FakeDeadLetters) -> RecordWorker:
    return RecordWorker(PictureLimits(100_000, 90), store, dead_letters, get_logger())


def test_every_evidence_frame_is_stored_under_its_key() -> None:
    store, letters = FakeStore(), FakeDeadLetters()
    result = batch_result(evidence_jpegs=[jpeg_of(), jpeg_of()])
    assert worker_of(store, letters)(record(result))
    assert list(store.kept) == [chosen.key for chosen in result.evidence]
    assert letters.sent == []


def test_a_result_without_evidence_is_done_with_at_once() -> None:
    store = FakeStore()
    assert worker_of(store, FakeDeadLetters())(record(batch_result(evidence_jpegs=[])))
    assert store.kept == {}


def test_a_frame_without_detections_is_stored_too() -> None:
    store = FakeStore()
    assert worker_of(store, FakeDeadLetters())(record(batch_result(detections=())))
    assert len(store.kept) == 1


def test_a_record_that_is_no_result_goes_to_the_dead_letters_as_it_was() -> None:
    letters = FakeDeadLetters()
    poison = record(b"{poison", offset=7)
    assert worker_of(FakeStore(), letters)(poison)
    [(sent, stage, reason)] = letters.sent
    assert (sent, stage) == (poison, "postproc.read")
    assert "no valid document" in reason


def test_of_two_pictures_the_one_that_can_be_drawn_is_stored() -> None:
    store, letters = FakeStore(), FakeDeadLetters()
    result = batch_result(evidence_jpegs=[b"no jpeg", jpeg_of()])
    assert worker_of(store, letters)(record(result))
    assert list(store.kept) == [result.evidence[1].key]
    [(_, stage, reason)] = letters.sent
    assert stage == "postproc.draw"
    assert reason.startswith("frame 0: not a whole JPEG")


def test_a_record_is_not_done_with_if_the_stop_came_before_its_picture_was_stored() -> None:
    store = FakeStore(is_stopped=True)
    assert not worker_of(store, FakeDeadLetters())(record(batch_result()))


def test_a_record_is_not_done_with_if_the_stop_came_before_its_dead_letter_was_kept() -> None:
    letters = FakeDeadLetters(is_stopped=True)
    assert not worker_of(FakeStore(), letters)(record(b"{poison"))


def test_a_stream_counts_as_stored_up_to_the_newest_frame_of_a_result_that_is_done_with() -> None:
    def stored_s() -> float | None:
        return REGISTRY.get_sample_value(
            "framerail_stored_timestamp_seconds", {"stream": result.stream_id}
        )

    result = batch_result("stored-1", evidence_jpegs=[jpeg_of()])
    assert not worker_of(FakeStore(is_stopped=True), FakeDeadLetters())(record(result))
    assert stored_s() is None
    assert worker_of(FakeStore(), FakeDeadLetters())(record(result))
    assert stored_s() == result.captured_last_ns / 1e9


def shown_s(stream_id: str) -> float | None:
    return REGISTRY.get_sample_value("framerail_stored_timestamp_seconds", {"stream": stream_id})


def test_results_that_threads_end_out_of_order_leave_a_stream_stored_up_to_the_newest() -> None:
    work = worker_of(FakeStore(), FakeDeadLetters())
    older = batch_result("unordered")
    newer = batch_result("unordered", 25, captured_ns=older.captured_last_ns + 40_000_000)
    assert work(record(newer))
    assert work(record(older))
    assert shown_s("unordered") == newer.captured_last_ns / 1e9


def test_a_result_that_was_put_back_tells_nothing_of_how_far_its_stream_is_stored() -> None:
    store = FakeStore()
    put_back = replace(record(batch_result("returned")), headers=[(REPLAY_OF, b"results-0@3")])
    assert worker_of(store, FakeDeadLetters())(put_back)
    assert len(store.kept) == 1
    assert shown_s("returned") is None


def patient(bucket: FakeBucket) -> tuple[PatientStore, StopSignal, Heartbeat]:
    stop, heartbeat = StopSignal(), Heartbeat(time.monotonic, 60)
    heartbeat.is_ready = True
    return PatientStore(bucket, stop, heartbeat, get_logger(), random.Random(1)), stop, heartbeat


def test_a_store_that_is_away_is_tried_until_it_is_back() -> None:
    bucket = FakeBucket(failures=[TransientError("away")])
    patience, _, heartbeat = patient(bucket)
    assert patience.put(PICTURE)
    assert bucket.kept == {PICTURE.key: PICTURE}
    assert heartbeat.is_ready


def test_a_store_that_refuses_makes_the_service_not_ready_and_a_stop_ends_the_wait() -> None:
    bucket = FakeBucket(failures=[StoreRefused("AccessDenied")] * 100)
    patience, stop, heartbeat = patient(bucket)
    answers: list[bool] = []
    putting = threading.Thread(target=lambda: answers.append(patience.put(PICTURE)))
    putting.start()
    wait_until(lambda: not heartbeat.is_ready)
    stop.set()
    putting.join()
    assert answers == [False]
    assert bucket.kept == {}


def test_a_store_that_is_away_for_long_is_no_thread_that_hangs_but_an_upload_may_be() -> None:
    now_s = 0.0
    were_alive: list[bool] = []

    class Waits(StopSignal):
        def wait(self, timeout_s: float) -> bool:
            nonlocal now_s
            now_s += 600
            were_alive.append(heartbeat.is_alive)
            return False

    class Hanging(FakeBucket):
        def put(self, picture: Picture) -> None:
            nonlocal now_s
            super().put(picture)
            now_s += 60
            were_alive.append(heartbeat.is_alive)

    heartbeat = Heartbeat(lambda: now_s, 60)
    bucket = Hanging(failures=[TransientError("away"), StoreRefused("AccessDenied")])
    store = PatientStore(bucket, Waits(), heartbeat, get_logger(), random.Random(1))
    heartbeat.beat()
    assert heartbeat.watching(store.put)(PICTURE)
    assert were_alive == [True, True, False]
