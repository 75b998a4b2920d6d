"""Refused records in a real Kafka: listed, shown, put back to the real services, and dropped."""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from contracts.coordinates import Coordinates
from contracts.frames import FrameHeaders
from contracts.names import DEADLETTER_TOPIC, RESULTS_TOPIC
from contracts.results import encode_result
from local.stack import EmbeddedStack
from ops.deadletter.command import SomeStayOpen, app
from runtime.errors import ConfigurationError, InvalidInput
from tests.integration.ledger_world import World, open_world
from tests.postproc_results import batch_result, jpeg_of
from tests.service_process import running_service

Eventually = Callable[[Callable[[], bool], str, float], None]
SMALL_BYTES = 4096


@pytest.fixture
def world(
    kafka: EmbeddedStack, s3: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    with open_world(kafka, s3, monkeypatch) as opened:
        opened.commit(opened.stream_id, RESULTS_TOPIC)
        yield opened


@dataclass(frozen=True)
class Letter:
    """What `list --json` tells of one letter."""

    offset: int
    state: str
    attempts: int
    refused: str
    replay_of: str | None
    reason: str


@dataclass(frozen=True)
class Answer:
    """How the command ended, what it wrote, and what it raised."""

    exit_code: int
    stdout: str
    exception: BaseException | None


def run(*arguments: str, answer: str = "") -> Answer:
    """Run the command as its user does, in this process."""
    ended = CliRunner().invoke(app, [*arguments], input=answer)
    return Answer(ended.exit_code, ended.stdout, ended.exception)


def listed(world: World, *arguments: str) -> list[Letter]:
    answer = run("list", "--stream", world.stream_id, "--json", *arguments)
    assert answer.exit_code == 0, answer
    document = json.loads(answer.stdout.splitlines()[-1])
    fields = Letter.__dataclass_fields__
    return [Letter(**{name: one[name] for name in fields}) for one in document["letters"]]


def frame(seq: int) -> FrameHeaders:
    return FrameHeaders("s1", seq, time.time_ns(), "arrival", (64, 48))


def test_a_poison_frame_that_is_put_back_is_refused_again_and_the_books_close(
    world: World, triton: EmbeddedStack, tmp_path: Path, eventually: Eventually
) -> None:
    values = [*[jpeg_of()] * 24, b"no picture"]
    world.publish([(frame(seq), None) for seq in range(25)], values)
    environment = os.environ | {
        "FRAMERAIL_TRITON_ADDRESS": triton.addresses.triton_grpc,
        "FRAMERAIL_MAX_BATCH_AGE_S": "1",
        "FRAMERAIL_LOG_FORMAT": "json",
    }
    with running_service("consumer", environment, tmp_path / "consumer.log") as consumer:
        eventually(lambda: bool(listed(world)), "the frame is refused", 60)
        (first,) = listed(world)
        assert (first.state, first.refused) == ("open", f"{world.topic}-0@24")
        answer = run("replay", str(first.offset))
        assert answer.exit_code == 0, answer
        assert f"{world.topic}-0@24 put back as {world.topic}-0@25" in answer.stdout
        eventually(lambda: len(listed(world)) == 2, "it is refused again", 60)
        eventually(lambda: world.proven().waiting == 0, "its batch is committed", 30)
        assert consumer.stop() == 0
    first, second = listed(world)
    assert (first.state, second.state) == ("replayed", "open")
    assert (second.attempts, second.replay_of) == (2, f"{world.topic}-0@24")
    assert (second.refused, second.reason) == (f"{world.topic}-0@25", first.reason)
    stream = world.proven()
    assert (stream.captured, stream.replayed, stream.published) == (25, 1, 26)
    assert (stream.inferred, stream.dead_lettered, stream.lost) == (24, 2, 0)
    assert stream.closed
    shown = run("show", str(second.offset)).stdout
    assert f"{first.offset}: {first.refused}" in shown


def test_a_result_that_is_put_back_becomes_its_pictures_and_doubles_nothing(
    world: World, tmp_path: Path, eventually: Eventually
) -> None:
    world.publish([(frame(seq), None) for seq in range(25)])
    one = batch_result(world.stream_id, captured_ns=time.time_ns())
    (offset,) = world.write_results([one])
    world.commit_all()
    letter = world.dead_letter(
        RESULTS_TOPIC,
        offset,
        "postproc.draw",
        "frame 0: a defect",
        value=encode_result(one),
        key=world.stream_id.encode(),
    )
    assert world.proven().pictures.refused == 1
    answer = run("replay", "--all", "--stream", world.stream_id, "--stage", "postproc.draw")
    assert answer.exit_code == 0, answer
    assert "1 put back" in answer.stdout
    assert world.proven().pictures.waiting == 1
    environment = os.environ | {"FRAMERAIL_LOG_FORMAT": "json"}
    with running_service("postproc", environment, tmp_path / "postproc.log") as postproc:
        eventually(lambda: world.proven().pictures.stored == 1, "the picture is there", 60)
        assert postproc.stop() == 0
    stream = world.proven()
    assert (stream.inferred, stream.batches, stream.doubled) == (25, 1, 0)
    assert stream.closed
    assert [(one.offset, one.state) for one in listed(world)] == [(letter, "replayed")]


def test_what_was_put_back_once_is_put_back_again_only_when_that_is_said(world: World) -> None:
    world.publish([(frame(0), None)])
    letter = str(world.dead_letter(world.topic, 0, "consumer.decode", "no JPEG"))
    assert run("replay", letter).exit_code == 0
    refused = run("replay", letter)
    assert isinstance(refused.exception, ConfigurationError)
    assert f"{letter}: it was replayed already" in str(refused.exception)
    assert "0 put back" in run("replay", "--all", "--stream", world.stream_id).stdout
    assert run("replay", letter, "--again").exit_code == 0
    records = world.read(world.topic)
    assert [record.offset for record in records] == [0, 1, 2]
    assert [dict(record.headers).get("replay-of") for record in records] == [
        None,
        *[f"{world.topic}-0@0".encode()] * 2,
    ]
    assert records[2].timestamp >= records[1].timestamp > time.time_ns() // 1_000_000 - 60_000


def test_a_value_too_large_to_keep_is_read_where_it_was_refused(
    world: World, tmp_path: Path
) -> None:
    value = os.urandom(2 * SMALL_BYTES)
    world.publish([(frame(0), None)], [value])
    letter = str(
        world.dead_letter(
            world.topic, 0, "consumer.decode", "no JPEG", value=value, limit_bytes=SMALL_BYTES
        )
    )
    saved = tmp_path / "frame.jpg"
    shown = run("show", letter, "--save", str(saved))
    assert shown.exit_code == 0, shown
    assert f"{2 * SMALL_BYTES} bytes, too large to be kept here" in shown.stdout
    assert saved.read_bytes() == value
    assert isinstance(run("show", letter, "--save", str(saved)).exception, ConfigurationError)
    assert run("replay", letter).exit_code == 0
    back = world.read(world.topic)[1]
    assert back.value == value
    headers = FrameHeaders.decode(back.headers)
    assert (headers.session, headers.replay_of) == ("s1", Coordinates(world.topic, 0, 0))


def test_a_record_that_expired_with_its_value_stays_open_and_is_told(
    world: World, tmp_path: Path
) -> None:
    world.publish([(frame(at), None) for at in range(2)])
    gone = world.dead_letter(
        *(world.topic, 0, "consumer.decode", "no JPEG"), value=b"x" * 9999, limit_bytes=SMALL_BYTES
    )
    there = world.dead_letter(world.topic, 1, "consumer.decode", "no JPEG")
    world.delete_before(world.topic, 1)
    answer = run("replay", "--all", "--stream", world.stream_id)
    assert isinstance(answer.exception, SomeStayOpen)
    assert str(answer.exception) == "1 put back, 1 stay open"
    assert f"{gone}: stays open: its value was too large" in answer.stdout
    assert [(one.offset, one.state) for one in listed(world)] == [
        (gone, "open"),
        (there, "replayed"),
    ]
    unsaved = run("show", str(gone), "--save", str(tmp_path / "gone"))
    assert isinstance(unsaved.exception, InvalidInput)


def test_a_record_of_a_topic_that_is_gone_stays_open(world: World) -> None:
    letter = world.dead_letter("frames.gone-for-ever", 0, "consumer.decode", "no JPEG")
    answer = run("replay", str(letter))
    assert isinstance(answer.exception, SomeStayOpen)
    assert "topic frames.gone-for-ever is there no more" in answer.stdout
    assert run("drop", str(letter), "--yes").exit_code == 0


def test_dropping_asks_first_and_keeps_the_letter(world: World) -> None:
    letter = str(world.dead_letter(world.topic, 0, "consumer.infer", "poison"))
    assert run("drop", letter, answer="n\n").exit_code == 0
    assert isinstance(run("drop", letter, answer="").exception, ConfigurationError)
    assert [one.state for one in listed(world)] == ["open"]
    assert run("drop", "--all", "--stream", world.stream_id, answer="y\n").exit_code == 0
    assert [one.state for one in listed(world)] == ["dropped"]
    assert listed(world, "--state", "open") == []
    assert isinstance(run("drop", letter, "--yes").exception, ConfigurationError)


def test_a_terminal_is_shown_a_row_a_letter_and_the_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.deadletter.command.answers", Console(width=200))
    for offset in (3, 12):
        world.dead_letter(world.topic, offset, "consumer.decode", f"\x1b[2J [b]{offset} bytes[/b]")
    shown = run("list", "--stream", world.stream_id).stdout
    folded = re.sub(r"[\s│]+", "", shown)
    assert "\x1b" not in shown
    assert "[b]3bytes[/b]" in folded
    assert "22consumer.decode" in folded
    assert "no dead letters" in run("list", "--stream", "nobody").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay"], "one of the two"),
        (["drop", "5", "--all"], "one of the two"),
        (["replay", "5", "--stream", "cam1"], "go with --all"),
        (["show", "999999999"], "no dead letter lies there"),
    ],
)
def test_wrong_input_is_named(world: World, arguments: list[str], said: str) -> None:
    answer = run(*arguments)
    assert isinstance(answer.exception, ConfigurationError)
    assert said in str(answer.exception)


def test_a_mark_is_no_letter_to_the_ledger_and_to_the_list(world: World) -> None:
    letter = world.dead_letter(world.topic, 0, "consumer.decode", "no JPEG")
    assert run("drop", str(letter), "--yes").exit_code == 0
    mark = world.read(DEADLETTER_TOPIC)[-1]
    assert dict(mark.headers) == {
        "deadletter-mark": b"dropped",
        "deadletter-marks-offset": str(letter).encode(),
    }
    assert [one.offset for one in listed(world)] == [letter]
    shown = run("show", str(mark.offset))
    assert "no dead letter lies there" in str(shown.exception)
