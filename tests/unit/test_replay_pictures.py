"""What a person is shown of a replay and of a comparison: pictures and words."""

import io
from pathlib import Path

import msgspec
import numpy as np
import pytest
import simplejpeg
from rich.console import Console

from consumer.replaying.order import ReplayReport
from contracts.results import Model
from ops.replay.account import Account, TopicFacts
from ops.replay.comparison import FrameDifference, difference
from ops.replay.drawing import draw_difference
from ops.replay.pairing import frames_in_order, paired
from ops.replay.pictures import write_pictures
from ops.replay.printing import notes_on, print_diff, print_replay
from ops.replay.report import DiffReport, PictureReport
from postproc.palette import class_colour
from runtime.errors import ConfigurationError, InvalidInput
from tests.unit.replay_fakes import FakeLog, frame, person, record, result

SIDES = ("results, ssd/1", "results.b, ssd/2")
GREY = 128
WIDTH, HEIGHT = 320, 240
BOTH = person(10, 100, 60, 180)
LOST = person(110, 100, 160, 180)
NEW = person(210, 100, 260, 180)


def jpeg() -> bytes:
    picture = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    return bytes(simplejpeg.encode_jpeg(picture, quality=95))


def shown(offset: int = 0) -> FrameDifference:
    a, b = frame(offset, BOTH, LOST), frame(offset, BOTH, NEW)
    sized = [msgspec.structs.replace(one, size_wh=(WIDTH, HEIGHT)) for one in (a, b)]
    return difference(sized[0], sized[1], 0.5)


def drawn(wanted: list[FrameDifference], log: FakeLog, folder: Path) -> list[PictureReport]:
    return list(write_pictures(log, "cam1", wanted, SIDES, folder))


def report() -> DiffReport:
    account = Account(0.5, 3)
    a, b = [result(frame(0, BOTH, LOST))], [result(frame(0, BOTH, NEW), version="2")]
    for pair in paired(frames_in_order(a), frames_in_order(b)):
        account.add(pair)
    return account.report(
        "cam1", TopicFacts("results", None, 0), TopicFacts("results.b", 0.3, unreadable=2)
    )


def printed_diff(of: DiffReport) -> str:
    console = Console(file=io.StringIO(), width=120)
    print_diff(console, of)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def colour_at(sheet: np.ndarray, x: int, y: int) -> tuple[int, ...]:
    return tuple(sheet[y, x].tolist())


def is_near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) < 30


def test_a_lost_box_is_vermilion_on_the_left_and_a_new_one_green_on_the_right() -> None:
    sheet = simplejpeg.decode_jpeg(draw_difference(jpeg(), shown(), SIDES, 95))
    panel = (sheet.shape[1] - 8) // 2
    assert panel == WIDTH
    assert sheet.shape[0] > HEIGHT  # the caption lies below, and hides nothing
    edge_y = 140
    blue, vermilion, green = class_colour(1), class_colour(5), class_colour(2)
    right = panel + 8
    assert is_near(colour_at(sheet, 12, edge_y), blue)
    assert is_near(colour_at(sheet, right + 12, edge_y), blue)
    assert is_near(colour_at(sheet, 112, edge_y), vermilion)
    assert is_near(colour_at(sheet, right + 112, edge_y), (GREY,) * 3)
    assert is_near(colour_at(sheet, right + 212, edge_y), green)
    assert is_near(colour_at(sheet, 212, edge_y), (GREY,) * 3)


def test_bytes_that_are_no_picture_cannot_be_drawn_on() -> None:
    with pytest.raises(InvalidInput):
        draw_difference(b"no picture", shown(), SIDES, 85)


def test_the_pictures_are_named_by_stream_and_offset(tmp_path: Path) -> None:
    log = FakeLog([record(at, value=jpeg()) for at in range(3)])
    (told,) = drawn([shown(1)], log, tmp_path / "new" / "folder")
    assert told.path == str(tmp_path / "new" / "folder" / "cam1-1.jpg")
    assert (told.lost, told.new, told.missing) == (1, 1, None)
    assert Path(told.path).read_bytes().startswith(b"\xff\xd8")


def test_a_frame_that_cannot_be_shown_is_told_and_the_next_one_is_drawn(tmp_path: Path) -> None:
    other = FakeLog([record(at, value=jpeg()) for at in (5, 7, 8)])
    other.log[2] = record(8, value=b"none")
    told = drawn([shown(2), shown(6), shown(8), shown(7)], other, tmp_path)
    assert [one.path is not None for one in told] == [False, False, False, True]
    assert "expired from Kafka, whose frames.cam1 begins at offset 5" in str(told[0].missing)
    assert "expired from Kafka just now" in str(told[1].missing)
    assert "not a whole JPEG" in str(told[2].missing)


def test_another_frame_at_the_same_offset_is_never_drawn_on(tmp_path: Path) -> None:
    log = FakeLog([record(0, value=jpeg())])
    moved = difference(frame(0, BOTH, shift_ns=9), frame(0, shift_ns=9), 0.5)
    (told,) = drawn([moved], log, tmp_path)
    assert "another frame" in str(told.missing)
    log.log[0].headers.clear()
    (told,) = drawn([shown(0)], log, tmp_path)
    assert "no frame" in str(told.missing)


def test_a_stream_whose_topic_is_gone_is_told(tmp_path: Path) -> None:
    class Nothing(FakeLog):
        def topics(self) -> set[str]:
            return set()

    (told,) = drawn([shown(0)], Nothing(), tmp_path)
    assert told.missing == "topic frames.cam1 is gone"


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    log = FakeLog([record(0, value=jpeg())])
    with pytest.raises(ConfigurationError, match="--pictures"):
        drawn([shown(0)], log, tmp_path / "file")


def test_the_words_of_a_comparison_name_both_sides_and_what_is_unfair() -> None:
    text = printed_diff(report())
    assert "A: results: ssd 1 (1 frames); threshold not told, the lowest confidence is 0.9" in text
    assert "B: results.b: ssd 2 (1 frames); written from confidence 0.3 on" in text
    assert "1 frames in both, 1 differ (100.0%)" in text
    assert "2 records of results.b are no results" in text
    assert "matched boxes: mean +0.0000" in text


def test_two_thresholds_are_told_as_what_they_do() -> None:
    fair = report()
    a = msgspec.structs.replace(fair.a, min_confidence=0.4)
    notes = list(notes_on(msgspec.structs.replace(fair, a=a)))
    assert (
        "A was written from confidence 0.4 on, B from 0.3: boxes between are in one only" in notes
    )


def test_pictures_are_told_with_their_path_or_why_there_is_none() -> None:
    pictures = [
        PictureReport(offset=3, captured="", lost=1, new=0, path="x/cam1-3.jpg"),
        PictureReport(offset=4, captured="", lost=0, new=2, missing="the frame has expired"),
    ]
    text = printed_diff(msgspec.structs.replace(report(), pictures=pictures))
    assert "offset 3: 1 lost, 0 new: x/cam1-3.jpg" in text
    assert "offset 4: 0 lost, 2 new: not drawn: the frame has expired" in text


def test_where_nothing_was_found_no_threshold_and_no_shift_are_told() -> None:
    account = Account(0.5, 0)
    for pair in paired(frames_in_order([result(frame(0))]), frames_in_order([result(frame(0))])):
        account.add(pair)
    facts = TopicFacts("results", None, 0)
    text = printed_diff(account.report("cam1", facts, facts))
    assert "threshold not told, and no box" in text
    assert "matched boxes" not in text


def test_the_words_of_a_replay_tell_what_is_missing() -> None:
    console = Console(file=io.StringIO(), width=120)
    told = ReplayReport(
        topic="results.x",
        stream_id="cam1",
        models=[Model("ssd", "1")],
        min_confidence=0.4,
        first_offset=0,
        last_offset=9,
        frames=10,
        written=8,
        expired=2,
        not_inferred=1,
        batches=1,
        detections=3,
        is_cut=True,
        is_complete=True,
    )
    print_replay(console, told)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for said in ("8 of 10 frames", "ssd 1", "1 frames reached no model", "2 frames expired",
                 "captured before the first", "framerail diff results results.x"):  # fmt: skip
        assert said in text
