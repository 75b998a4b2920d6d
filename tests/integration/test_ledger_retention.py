"""What Kafka's retention and S3's lifecycle take away makes no alarm, and hides no young loss."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from contracts.frames import REPLAY_OF, FrameHeaders
from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC
from contracts.results import BatchResult
from local.stack import EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from ops.ledger.audit import BooksDoNotClose, check_ledger
from ops.ledger.kafka_books import KafkaBooks, Scope
from ops.ledger.pictures import Pictures
from tests.integration.ledger_world import BUCKET, World, open_world
from tests.postproc_results import batch_result

FRAMES = 100
EVERY_MS = 10_000
LATENCY_MS = 2000
EVERYTHING = -1
HOUR_MS = 3600 * 1000
DAY_NS = 24 * 3600 * 1_000_000_000


@pytest.fixture(scope="module")
def own_kafka(
    tmp_path_factory: pytest.TempPathFactory, server_cache: Path
) -> Iterator[EmbeddedStack]:
    """A Kafka whose results nobody else reads: they are deleted here."""
    workspace = Workspace(tmp_path_factory.mktemp("own-kafka"), server_cache)
    stack = EmbeddedStack(workspace, StackPorts.choose(), ("kafka",))
    parts = stack.prepare(say_nothing)
    with Supervisor(workspace) as supervisor:
        supervisor.start(parts)
        yield stack


@pytest.fixture
def world(
    own_kafka: EmbeddedStack, s3: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    with open_world(own_kafka, s3, monkeypatch) as opened:
        # So old that what has been deleted before them explains nothing.
        for topic in (RESULTS_TOPIC, DEADLETTER_TOPIC):
            opened.delete_before(topic, EVERYTHING)
        opened.write_results([replace(batch_result("elsewhere"), inferred_ns=0)])
        opened.dead_letter("frames.elsewhere", 0, "consumer.decode", "no JPEG", timestamp_ms=0)
        yield opened


@pytest.fixture
def begun_ms() -> int:
    """When the first frame was captured: the last of a hundred a moment ago."""
    return time.time_ns() // 1_000_000 - FRAMES * EVERY_MS


def publish(world: World, begun_ms: int, ahead: range = range(0)) -> None:
    """A frame every ten seconds; those `ahead` by a clock that was an hour fast."""
    times_ms = [begun_ms + at * EVERY_MS + (HOUR_MS if at in ahead else 0) for at in range(FRAMES)]
    world.publish(
        [
            (FrameHeaders("s1", at, time_ms * 1_000_000, "arrival", (64, 48)), time_ms)
            for at, time_ms in enumerate(times_ms)
        ]
    )


def result_at(world: World, first: int, begun_ms: int) -> BatchResult:
    """The result of a batch, written just after its last frame was captured; without pictures."""
    inferred_ms = begun_ms + (first + 24) * EVERY_MS + LATENCY_MS
    one = batch_result(world.stream_id, first, evidence_jpegs=[])
    return replace(one, inferred_ns=inferred_ms * 1_000_000)


def test_frames_that_outlive_their_results_are_not_lost(world: World, begun_ms: int) -> None:
    publish(world, begun_ms)
    offsets = world.write_results([result_at(world, at, begun_ms) for at in (0, 25, 50, 75)])
    world.commit_all()
    world.delete_before(RESULTS_TOPIC, offsets[2])
    stream = world.proven()
    assert (stream.first_offset, stream.inferred, stream.closed) == (50, 50, True)


def test_a_frame_younger_than_what_expired_is_lost_all_the_same(
    world: World, begun_ms: int
) -> None:
    publish(world, begun_ms)
    offsets = world.write_results([result_at(world, at, begun_ms) for at in (0, 25, 50)])
    world.commit_all()
    world.delete_before(RESULTS_TOPIC, offsets[1])
    stream = world.proven()
    assert stream.first_offset == 25
    assert stream.named.lost == tuple(f"{world.topic}-0@{at}" for at in range(75, 100))


@pytest.mark.parametrize("look_back", [1, 64])
def test_frames_of_a_clock_that_was_ahead_for_a_while_are_not_lost_since_a_later_time(
    world: World, begun_ms: int, look_back: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.ledger.kafka_books.LOOK_BACK", look_back)
    publish(world, begun_ms, ahead=range(25, 50))
    world.write_results([result_at(world, at, begun_ms) for at in (0, 25, 50, 75)])
    world.commit_all()
    stream = world.proven(since_ms=begun_ms + 62 * EVERY_MS)
    assert (stream.lost, stream.inferred, stream.first_offset) == (0, 75, 25)
    assert stream.closed


def test_refused_frames_of_a_clock_that_was_ahead_have_their_dead_letters(
    world: World, begun_ms: int
) -> None:
    publish(world, begun_ms, ahead=range(25, 50))
    one = result_at(world, 25, begun_ms)
    refused = replace(one.frames[3], detections=(), not_inferred="no JPEG")
    frames = (*one.frames[:3], refused, *one.frames[4:])
    others = [result_at(world, at, begun_ms) for at in (0, 50, 75)]
    world.write_results([others[0], replace(one, frames=frames), *others[1:]])
    refused_ms = one.inferred_ns // 1_000_000
    world.dead_letter(world.topic, 28, "consumer.decode", "no JPEG", timestamp_ms=refused_ms)
    world.commit_all()
    stream = world.proven(since_ms=begun_ms + 62 * EVERY_MS)
    assert (stream.dead_lettered, stream.dead_letters_missing, stream.closed) == (1, 0, True)


def test_frames_of_a_clock_that_was_ahead_outlive_their_results_without_an_alarm(
    world: World, begun_ms: int
) -> None:
    publish(world, begun_ms, ahead=range(25))
    offsets = world.write_results([result_at(world, at, begun_ms) for at in (0, 25, 50, 75)])
    world.commit_all()
    world.delete_before(RESULTS_TOPIC, offsets[1])
    found = world.prove()
    stream = found.streams[world.stream_id]
    assert (stream.first_offset, stream.inferred, stream.closed) == (25, 75, True)
    assert any(note.startswith(f"25 frames of {world.stream_id} are left") for note in found.notes)


def test_a_result_that_was_put_back_does_not_tell_where_the_results_begin(
    world: World, begun_ms: int
) -> None:
    publish(world, begun_ms, ahead=range(50))
    (old, _) = world.write_results([result_at(world, at, begun_ms) for at in (0, 25)])
    again = f"{RESULTS_TOPIC}-0@{old}".encode()
    (put_back,) = world.write_results([result_at(world, 0, begun_ms)], [(REPLAY_OF, again)])
    world.write_results([result_at(world, at, begun_ms) for at in (50, 75)])
    world.commit_all()
    world.delete_before(RESULTS_TOPIC, put_back)
    stream = world.proven()
    assert (stream.first_offset, stream.lost, stream.closed) == (50, 0, True)


@pytest.mark.parametrize("written", [(0, 25, 75), (0, 25)])
def test_a_lost_frame_is_lost_since_any_time_before_it(
    world: World, begun_ms: int, written: tuple[int, ...]
) -> None:
    publish(world, begun_ms)
    world.write_results([result_at(world, at, begun_ms) for at in written])
    world.commit_all()
    stream = world.proven(since_ms=begun_ms + 50 * EVERY_MS)
    assert stream.lost == 75 - 25 * len(written) + 25
    assert not stream.closed


def test_frames_that_expired_before_the_consumers_had_read_them_are_named_by_their_range(
    world: World, begun_ms: int
) -> None:
    publish(world, begun_ms)
    world.write_results([result_at(world, at, begun_ms) for at in (0, 25, 50, 75)])
    world.commit_all()
    world.commit(world.stream_id, world.topic, 10)
    world.delete_before(world.topic, 30)
    stream = world.proven()
    assert (stream.expired_unread, stream.lost, stream.closed) == (20, 0, False)
    (name,) = stream.named.expired_unread
    assert name.startswith(f"{world.topic}-0@10 to {world.topic}-0@29: 20 ")
    assert world.proven(since_ms=begun_ms + 60 * EVERY_MS).closed


def test_results_that_expired_before_the_post_processors_had_read_them_are_named(
    world: World, begun_ms: int
) -> None:
    publish(world, begun_ms)
    offsets = world.write_results([result_at(world, at, begun_ms) for at in (0, 25, 50, 75)])
    world.commit_all()
    world.commit(world.stream_id, RESULTS_TOPIC, offsets[0])
    world.delete_before(RESULTS_TOPIC, offsets[2])
    found = world.prove()
    (name,) = found.results_expired_unread
    assert name.startswith(f"results-0@{offsets[0]} to results-0@{offsets[1]}: 2 ")
    assert (found.closed, found.streams[world.stream_id].closed) == (False, True)
    with pytest.raises(BooksDoNotClose, match="results"):
        check_ledger(found)
    assert world.prove(since_ms=begun_ms + 85 * EVERY_MS).closed


def test_frames_whose_every_result_expired_are_left_out(world: World, begun_ms: int) -> None:
    publish(world, begun_ms)
    offsets = world.write_results([result_at(world, at, begun_ms) for at in (0, 25, 50, 75)])
    world.commit_all()
    world.delete_before(RESULTS_TOPIC, offsets[-1] + 1)
    stream = world.proven()
    assert (stream.published, stream.lost, stream.closed) == (0, 0, True)


def test_frames_and_results_that_expire_while_they_are_read_are_not_lost(
    world: World, begun_ms: int
) -> None:
    publish(world, begun_ms)
    offsets = world.write_results([result_at(world, at, begun_ms) for at in (0, 25, 50, 75)])
    world.commit_all()
    moments = iter(range(1000))

    def expire() -> None:
        if next(moments) == 0:  # the ends have been asked for, and no record was read
            world.delete_before(RESULTS_TOPIC, offsets[1])
            world.delete_before(world.topic, 40)

    with closing(KafkaBooks(world.target, Scope(world.stream_id), expire)) as books:
        tally = books.read()[world.stream_id]
    account = tally.account()
    assert (account.first_offset, account.expired, account.published) == (25, 15, 60)
    assert (account.inferred, account.lost, account.captured) == (60, 0, 60)
    assert account.adds_up


def test_a_dead_letter_that_expired_is_not_missing(world: World, begun_ms: int) -> None:
    publish(world, begun_ms)
    one = result_at(world, 0, begun_ms)
    refused = replace(one.frames[3], detections=(), not_inferred="no JPEG")
    frames = (*one.frames[:3], refused, *one.frames[4:])
    world.write_results([replace(one, frames=frames)])
    world.commit_all()
    assert world.proven().named.without_dead_letter == (f"{world.topic}-0@3",)
    letter = world.dead_letter(world.topic, 3, "consumer.decode", "no JPEG")
    world.delete_before(DEADLETTER_TOPIC, letter + 1)
    stream = world.proven()
    assert stream.named.without_dead_letter == ()
    assert (stream.dead_letters_missing, stream.dead_letters_expired) == (0, 1)


def test_a_picture_that_s3_may_have_deleted_by_its_own_rules_has_expired(world: World) -> None:
    old = batch_result(world.stream_id, captured_ns=time.time_ns() - 3 * DAY_NS)
    young = batch_result(world.stream_id, 25, captured_ns=time.time_ns())
    world.publish([(FrameHeaders("s1", at, 0, "arrival", (64, 48)), None) for at in range(50)])
    world.write_results([old, young])
    world.commit_all()
    assert world.proven().pictures.missing == 2
    rule = {
        "ID": "forget",
        "Status": "Enabled",
        "Filter": {"Prefix": f"evidence/{world.stream_id}/"},
        "Expiration": {"Days": 2},
    }
    world.s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET,
        LifecycleConfiguration={"Rules": [rule]},  # type: ignore[list-item]
    )
    stream = world.proven()
    assert (stream.pictures.expired, stream.pictures.missing) == (1, 1)
    assert stream.named.missing_pictures == (young.evidence[0].key,)


def test_a_bucket_that_is_not_there_has_no_rules_and_no_pictures(world: World) -> None:
    with closing(Pictures(world.s3, "absent", "S3", 1)) as pictures:
        assert pictures.lifecycle() == []
