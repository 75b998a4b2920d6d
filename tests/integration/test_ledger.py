"""What Kafka and S3 prove, and how each thing that can go wrong shows."""

import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count

import pytest
from kafka import KafkaProducer
from msgspec.structs import replace

from contracts.frames import FrameHeaders
from contracts.names import RESULTS_TOPIC
from contracts.results import BatchResult
from local.stack import EmbeddedStack
from ops.ledger.audit import BooksDoNotClose
from ops.ledger.books import Books
from ops.ledger.command import ledger
from ops.ledger.kafka_books import KafkaBooks, Scope
from runtime.errors import ConfigurationError, DependencyError, TransientError
from tests.integration.ledger_world import BUCKET, World, open_world
from tests.postproc_results import batch_result

FRAMES = 100
SECOND_MS = 1000


@pytest.fixture
def world(
    kafka: EmbeddedStack, s3: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    with open_world(kafka, s3, monkeypatch) as opened:
        yield opened


def frame(seq: int, **dropped: int) -> FrameHeaders:
    return FrameHeaders("s1", seq, time.time_ns(), "arrival", (64, 48), dropped)


def results_of(world: World, batches: int = 4) -> list[BatchResult]:
    now_ns = time.time_ns()
    return [batch_result(world.stream_id, 25 * at, captured_ns=now_ns) for at in range(batches)]


def run_pipeline(world: World) -> list[BatchResult]:
    """A hundred frames, four of them after drops, that all became evidence."""
    world.publish([(frame(seq), None) for seq in range(FRAMES - 1)])
    world.publish([(frame(FRAMES + 6, paced=5, corrupt=2), None)])
    results = results_of(world)
    for one in results:
        world.store(one)
    world.write_results(results)
    world.commit_all()
    return results


def test_the_books_of_a_pipeline_that_lost_nothing_close(world: World) -> None:
    run_pipeline(world)
    found = world.prove()
    stream = found.streams[world.stream_id]
    assert (found.closed, stream.closed) == (True, True)
    assert (stream.captured, stream.published) == (107, 100)
    assert stream.dropped == {"corrupt": 2, "paced": 5}
    assert (stream.inferred, stream.waiting, stream.committed) == (100, 0, 100)
    assert (stream.pictures.promised, stream.pictures.stored) == (4, 4)


def test_a_picture_without_bytes_is_none(world: World) -> None:
    ruined = run_pipeline(world)[2].evidence[0].key
    said = world.s3.head_object(Bucket=BUCKET, Key=ruined)["Metadata"]
    world.s3.put_object(Bucket=BUCKET, Key=ruined, Body=b"", Metadata=said)
    stream = world.proven()
    assert not stream.closed
    assert stream.named.mismatched_pictures == (f"{ruined}: it holds no bytes",)


def test_a_deleted_picture_is_named_by_its_key(world: World) -> None:
    gone = run_pipeline(world)[2].evidence[0].key
    world.s3.delete_object(Bucket=BUCKET, Key=gone)
    stream = world.proven()
    assert not stream.closed
    assert stream.named.missing_pictures == (gone,)
    assert (stream.pictures.stored, stream.pictures.missing) == (3, 1)


def test_a_picture_that_leads_back_to_another_frame_is_named(world: World) -> None:
    one = run_pipeline(world)[1]
    world.store(one, offset="99")
    stream = world.proven()
    assert stream.named.mismatched_pictures == (f"{one.evidence[0].key}: offset is '99', not '25'",)
    assert not stream.closed


def test_a_result_that_never_came_leaves_frames_that_wait_and_once_committed_are_lost(
    world: World,
) -> None:
    world.publish([(frame(seq), None) for seq in range(FRAMES)])
    results = [one for one in results_of(world) if one.source.first_offset != 50]
    for one in results:
        world.store(one)
    world.write_results(results)
    world.commit(world.stream_id, world.topic, 50)
    world.commit(world.stream_id, RESULTS_TOPIC)
    waiting = world.proven()
    assert (waiting.waiting, waiting.lost, waiting.closed) == (25, 0, True)
    world.commit_all()
    stream = world.proven()
    assert stream.named.lost == tuple(f"{world.topic}-0@{at}" for at in range(50, 75))
    assert not stream.closed


def test_frames_in_batches_of_two_ids_are_named_and_a_batch_written_twice_is_not(
    world: World,
) -> None:
    results = run_pipeline(world)
    world.write_results([results[3]])
    world.commit_all()
    assert world.proven().closed
    stray = batch_result(world.stream_id, 70, frame_count=10, evidence_jpegs=[])
    world.write_results([stray])
    stream = world.proven()
    assert stream.named.doubled == tuple(f"{world.topic}-0@{at}" for at in range(70, 80))
    assert not stream.closed


def test_a_picture_that_is_not_there_waits_is_refused_or_is_missing_as_kafka_tells(
    world: World,
) -> None:
    world.publish([(frame(seq), None) for seq in range(50)])
    offsets = world.write_results(results_of(world, 2))
    world.commit(world.stream_id, world.topic)
    world.commit(world.stream_id, RESULTS_TOPIC, offsets[0])
    stream = world.proven()
    assert (stream.pictures.waiting, stream.closed) == (2, True)
    world.commit(world.stream_id, RESULTS_TOPIC, offsets[1])
    assert world.proven().pictures.missing == 1
    world.dead_letter(RESULTS_TOPIC, offsets[0], "postproc.draw", "frame 0: no JPEG")
    stream = world.proven()
    assert (stream.pictures.refused, stream.pictures.waiting, stream.closed) == (1, 1, True)


def test_a_refused_frame_must_stand_in_the_dead_letters(world: World) -> None:
    world.publish([(frame(seq), None) for seq in range(25)])
    one = batch_result(world.stream_id, evidence_jpegs=[], captured_ns=time.time_ns())
    world.write_results([refusing(one, {3, 4})])
    world.commit_all()
    world.dead_letter(world.topic, 3, "consumer.decode", "no JPEG")
    stream = world.proven()
    assert (stream.dead_lettered, stream.inferred) == (2, 23)
    assert stream.named.without_dead_letter == (f"{world.topic}-0@4",)
    assert not stream.closed
    world.dead_letter(world.topic, 4, "consumer.decode", "no JPEG")
    assert world.proven().closed


def refusing(one: BatchResult, offsets: set[int]) -> BatchResult:
    frames = (
        replace(frame, detections=(), not_inferred="no JPEG") if frame.offset in offsets else frame
        for frame in one.frames
    )
    return replace(one, frames=tuple(frames))


def test_what_retention_deletes_before_and_behind_is_no_loss(world: World) -> None:
    run_pipeline(world)
    world.delete_before(world.topic, 30)
    stream = world.proven()
    assert (stream.first_offset, stream.published, stream.closed) == (30, 70, True)


def test_the_account_begins_at_the_time_that_is_asked_for(world: World) -> None:
    now_ms = time.time_ns() // 1_000_000
    times_ms = [now_ms - (FRAMES - at) * SECOND_MS for at in range(FRAMES)]
    world.publish([(frame(at), times_ms[at]) for at in range(FRAMES)])
    results = results_of(world)[1:]  # the first one was lost, long ago
    for one in results:
        world.store(one)
    world.write_results(results)
    world.commit_all()
    assert world.proven().lost == 25
    stream = world.proven(since_ms=times_ms[40])
    assert (stream.first_offset, stream.published, stream.inferred) == (40, 60, 60)
    assert (stream.pictures.promised, stream.closed) == (2, True)
    nothing = world.proven(since_ms=now_ms)
    assert (nothing.published, nothing.pictures.promised, nothing.closed) == (0, 0, True)


def test_a_live_stream_is_proven_while_it_goes_on(world: World) -> None:
    producer = KafkaProducer(bootstrap_servers=world.kafka.addresses.kafka_bootstrap)
    is_over = threading.Event()

    def go_on() -> int:
        for seq in count():
            if is_over.wait(0.01):
                return seq
            producer.send(world.topic, b"x" * 20_000, key=b"k", headers=frame(seq).encode())
        raise AssertionError

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(go_on)
        try:
            streams = [world.proven() for _ in range(4)]
        finally:
            is_over.set()
        sent = running.result()
    producer.close()
    assert all(stream.closed and stream.waiting == stream.published for stream in streams)
    assert streams[0].published < streams[-1].published <= world.proven().published == sent


def test_a_group_that_has_committed_nothing_is_named(world: World) -> None:
    world.publish([(frame(seq), None) for seq in range(50)])
    world.write_results(results_of(world, 1))
    found = world.prove()
    stream = found.streams[world.stream_id]
    assert (stream.committed, stream.waiting, stream.pictures.waiting) == (None, 25, 1)
    assert found.closed
    assert [note.split(":")[0] for note in found.notes[:2]] == [
        f"group {world.stream_id!r} has committed nothing of {world.stream_id}",
        f"group {world.stream_id!r} has committed nothing of results",
    ]


def test_a_pipeline_whose_s3_does_not_answer_is_told(world: World) -> None:
    settings = world.target.settings.model_copy(update={"s3_endpoint_url": "http://127.0.0.1:9"})
    away = dataclasses.replace(world, target=dataclasses.replace(world.target, settings=settings))
    with pytest.raises(TransientError, match=r"S3 bucket 'ledger' at http://127\.0\.0\.1:9"):
        away.prove()


def test_a_proof_leaves_no_thread_behind(
    world: World, eventually: Callable[[Callable[[], bool], str, float], None]
) -> None:
    run_pipeline(world)
    before = set(threading.enumerate())
    assert world.proven().closed

    def is_gone() -> bool:
        begun = set(threading.enumerate()) - before
        return not any(one.name.startswith("pictures-") for one in begun)

    eventually(is_gone, "the threads that asked for pictures have ended", 10)


def test_a_picture_that_cannot_be_fetched_is_told_in_our_words(world: World) -> None:
    (first, *_) = run_pipeline(world)
    with closing(Books(world.target)) as books:
        assert books.refresh()[world.stream_id].evidence == 4
        world.s3.delete_object(Bucket=BUCKET, Key=first.evidence[0].key)
        with pytest.raises(TransientError, match="S3 bucket 'ledger'"):
            list(books.pictures(world.stream_id))


def test_books_that_cannot_read_the_log_leave_kafka(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refused:
        def __init__(self, *_: object) -> None:
            raise DependencyError("Kafka refuses us")

    monkeypatch.setattr("ops.ledger.kafka_books.LogReader", Refused)
    closed: list[bool] = []

    class Groups:
        def __init__(self, _: object) -> None:
            pass

        def close(self) -> None:
            closed.append(True)

    monkeypatch.setattr("ops.ledger.kafka_books.GroupOffsets", Groups)
    with pytest.raises(DependencyError):
        KafkaBooks(world.target, Scope())
    assert closed == [True]


def test_a_stream_without_a_topic_is_refused(world: World) -> None:
    absent = dataclasses.replace(world, stream_id="absent")
    with pytest.raises(ConfigurationError, match=r"no topic frames\.absent"):
        absent.prove()


def test_the_command_prints_one_document_and_fails_when_the_books_do_not_close(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    results = run_pipeline(world)
    ledger(stream=world.stream_id, since="1h", as_json=True)
    document = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert document["closed"] is True
    assert document["streams"][world.stream_id]["captured"] == 107
    world.s3.delete_object(Bucket=BUCKET, Key=results[0].evidence[0].key)
    with pytest.raises(BooksDoNotClose, match=world.stream_id) as raised:
        ledger(stream=world.stream_id)
    assert raised.value.exit_code == 1
    assert results[0].evidence[0].key in capsys.readouterr().out
