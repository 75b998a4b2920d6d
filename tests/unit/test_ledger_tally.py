import pickle
import subprocess
import sys
from dataclasses import replace

import pytest
from msgspec.structs import replace as replace_struct

from contracts.coordinates import Coordinates
from contracts.frames import FrameHeaders
from ops.ledger.captures import Captures
from ops.ledger.tally import LATE_FRAMES, StreamTally
from tests.unit.ledger_records import headers, result, tally_of


def test_the_account_of_a_stream_adds_up() -> None:
    tally = tally_of([headers(seq) for seq in range(59)] + [headers(64, paced=5, frozen=0)])
    for one in (result(0, 24), result(25, 49, refused=2), result(0, 24)):
        tally.add_result(one)
    tally.evidence_keys = {result(0, 24).evidence[0].key, "evidence/cam1/foreign.jpg"}
    report = tally.report(None)
    assert (report.captured, report.published, report.dropped) == (65, 60, {"paced": 5})
    assert (report.inferred, report.dead_lettered, report.waiting) == (48, 2, 10)
    assert (report.batches, report.detections) == (2, 48)
    assert (report.evidence, report.evidence_promised) == (1, 2)
    assert report.adds_up
    assert not report.is_settled


def test_drops_at_the_end_of_a_session_are_told_by_the_first_frame_of_the_next() -> None:
    frames = [headers(0), headers(1), headers(3, "s2", paced=2, corrupt=3), headers(4, "s2")]
    report = tally_of(frames).report(None)
    assert (report.captured, report.published) == (9, 4)
    assert report.adds_up


@pytest.mark.parametrize(
    "frames",
    [
        [headers(0), headers(2)],
        [headers(0), headers(3, paced=1)],
        [headers(2)],
        [headers(0), headers(1, paced=1)],
        [headers(0), headers(5, "s2", paced=1)],
    ],
)
def test_a_captured_frame_of_which_nothing_is_told_breaks_the_books(
    frames: list[FrameHeaders],
) -> None:
    assert not tally_of(frames).report(None).adds_up


def test_a_published_frame_without_a_result_is_lost_and_one_in_two_batches_doubled() -> None:
    tally = tally_of([headers(seq) for seq in range(60)])
    for one in (result(0, 24), result(30, 54), result(50, 59)):
        tally.add_result(one)
    report = tally.report(None)
    assert (report.lost, report.doubled, report.waiting) == (5, 5, 0)
    assert not report.adds_up


def test_what_kafka_has_deleted_is_outside_the_account() -> None:
    tally = tally_of([headers(seq) for seq in range(110, 160)], first_offset=110)
    for first in range(0, 150, 25):
        tally.add_result(result(first, first + 24))
    report = tally.report(None)
    assert (report.first_offset, report.captured, report.published) == (110, 50, 50)
    assert (report.inferred, report.waiting, report.batches) == (40, 10, 2)
    assert report.evidence_promised == 2
    assert report.adds_up


def test_results_that_came_after_the_end_was_asked_for_do_not_count_yet() -> None:
    tally = tally_of([headers(seq) for seq in range(30)])
    for one in (result(0, 24), result(25, 49)):
        tally.add_result(one)
    report = tally.report(None)
    assert (report.published, report.inferred, report.waiting) == (30, 30, 0)
    assert report.adds_up


def test_of_two_results_of_one_batch_all_frames_count_once_whichever_came_last() -> None:
    for order in ([result(0, 9), result(0, 24)], [result(0, 24), result(0, 9)]):
        tally = tally_of([headers(seq) for seq in range(25)])
        for one in order:
            tally.add_result(one)
        report = tally.report(None)
        assert (report.inferred, report.batches, report.doubled) == (25, 1, 0)


def test_a_frame_that_was_put_back_is_published_but_not_captured_again() -> None:
    tally = StreamTally("cam1", end_offset=4)
    again = replace(headers(0), replay_of=Coordinates("frames.cam1", 0, 0), dropped={"paced": 9})
    for offset, frame in enumerate((headers(0), headers(1), again, headers(2))):
        tally.add_frame(offset, frame, is_replay=frame is again)
    account = tally.account()
    assert (account.captured, account.replayed, account.published) == (3, 1, 4)
    assert account.dropped == {}
    assert account.adds_up


def test_a_put_back_frame_at_the_beginning_of_the_log_does_not_stand_for_what_expired() -> None:
    tally = StreamTally("cam1", 100, 102)
    tally.add_frame(100, None, is_replay=True)
    tally.add_frame(101, headers(77, paced=2))
    account = tally.account()
    assert (account.captured, account.replayed, account.dropped) == (3, 1, {"paced": 2})
    assert account.adds_up


def test_frames_that_expire_while_the_log_is_read_are_in_no_figure() -> None:
    tally = StreamTally("cam1", end_offset=100)
    tally.add_result(result(0, 24), 7)
    for offset in range(10):
        tally.add_frame(offset, headers(offset))
    tally.expire_until(60)
    for offset in range(60, 100):
        tally.add_frame(offset, headers(offset + 5))
    tally.committed = 100
    account = tally.account()
    assert (account.captured, account.published, account.expired) == (50, 50, 50)
    assert (account.inferred, account.lost) == (10, 40)
    assert tally.lost() == list(range(60, 100))
    assert [promise.offset for promise in tally.promises()] == []


def test_a_log_that_expired_whole_while_it_was_read_leaves_an_empty_account() -> None:
    tally = StreamTally("cam1", 10, 60)
    tally.committed = 60
    tally.expire_until(60)
    account = tally.account()
    assert (account.published, account.captured, account.lost, account.expired) == (0, 0, 0, 50)
    assert account.adds_up


def test_without_a_result_a_frame_waits_from_the_committed_offset_on_and_is_lost_before_it() -> (
    None
):
    tally = tally_of([headers(seq) for seq in range(60)])
    tally.add_result(result(0, 9))
    tally.committed = 30
    account = tally.account()
    assert (account.inferred, account.lost, account.waiting) == (10, 20, 30)
    assert tally.lost() == list(range(10, 30))


def test_a_drop_that_is_told_late_of_a_frame_before_the_account_does_not_break_it() -> None:
    # Kafka refused frame 9 while 10 and 11 were on their way: 12 tells of it, and of its drops.
    frames = [headers(10), headers(11), headers(12, undelivered=1, paced=2), headers(13)]
    cut = tally_of(frames, first_offset=10).account()
    assert cut.adds_up
    assert cut.captured == 4 + 3
    whole = tally_of([*(headers(seq) for seq in range(7)), *frames])
    assert whole.account().adds_up
    assert whole.untold() == {}


def test_a_frame_that_is_told_of_late_hides_no_other() -> None:
    frames = [headers(0), headers(2), headers(3, undelivered=1), headers(6)]
    tally = tally_of(frames)
    assert not tally.account().adds_up
    assert tally.untold() == {3: 2}


def test_a_frame_published_twice_breaks_the_books_and_is_named() -> None:
    for first_offset in (0, 50):
        tally = tally_of([headers(0), headers(1), headers(1), headers(2)], first_offset)
        assert not tally.account().adds_up
        assert tally.untold() == {first_offset + 2: -1}


def test_frames_whose_results_retention_may_have_taken_are_left_out_of_the_account() -> None:
    tally = StreamTally("cam1", end_offset=100)
    for first in (0, 50, 75):  # the first of them was put back from the dead letters
        tally.add_result(result(first, first + 24))
    tally.committed = 100
    tally.leave_out_unprovable(before=60)
    for offset in range(tally.first_offset, 100):
        tally.add_frame(offset, headers(offset))
    account = tally.account()
    assert (account.first_offset, account.published, account.inferred) == (50, 50, 50)
    assert account.adds_up


def test_a_frame_too_young_for_its_result_to_have_expired_is_lost_all_the_same() -> None:
    tally = StreamTally("cam1", end_offset=100)
    tally.add_result(result(75, 99))
    tally.committed = 100
    tally.leave_out_unprovable(before=60)
    assert tally.first_offset == 60
    assert tally.lost() == list(range(60, 75))


def test_a_refused_frame_needs_a_dead_letter_once_the_group_has_committed_it() -> None:
    tally = tally_of([headers(seq) for seq in range(50)])
    tally.add_result(result(0, 24, refused=3))
    tally.dead_letters = {0, 2}
    assert tally.without_dead_letter() == {}
    tally.committed = 1
    assert tally.without_dead_letter() == {}
    tally.committed = 25
    assert tally.without_dead_letter() == {1: 0}
    tally.add_result(result(0, 24))
    assert tally.without_dead_letter() == {}
    assert tally.account().dead_lettered == 0


def test_a_result_that_was_written_again_promises_its_pictures_from_its_last_place_on() -> None:
    tally = StreamTally("cam1", end_offset=25)
    tally.add_result(result(0, 9), 4)
    tally.add_result(result(0, 24), 5)
    tally.add_result(result(0, 24), 9)
    assert {promise.key: promise.result_offset for promise in tally.promises()} == {
        result(0, 9).evidence[0].key: 4,
        result(0, 24).evidence[0].key: 9,
    }


def test_a_result_of_another_partition_or_with_numbers_beyond_kafkas_counts_for_nothing() -> None:
    tally = StreamTally("cam1", end_offset=25)
    one = result(0, 24)
    tally.add_result(replace_struct(one, source=replace_struct(one.source, partition=1)))
    tally.add_result(replace_struct(one, source=replace_struct(one.source, last_offset=2**70)))
    assert tally.account().inferred == 0


def test_a_picture_captured_at_no_time_on_earth_has_a_name_all_the_same() -> None:
    tally = StreamTally("cam1", end_offset=25)
    one = result(0, 24)
    late = replace_struct(one.frames[-1], captured_ns=2**80)
    tally.add_result(replace_struct(one, frames=(*one.frames[:-1], late)))
    (promise,) = tally.promises()
    assert promise.key.startswith("evidence/cam1/")


def test_a_camera_that_reconnects_for_ever_takes_no_more_memory() -> None:
    captures = Captures(0)
    sizes = []
    for at in range(200):
        captures.add(at, headers(0, f"s{at:03}"))
        sizes.append(len(pickle.dumps(captures)))
    assert sizes[-1] - sizes[100] < 10


def test_frames_that_expired_before_the_group_had_read_them_keep_the_books_open() -> None:
    tally = tally_of([headers(seq) for seq in range(1000, 1025)], first_offset=1000)
    tally.add_result(result(1000, 1024))
    tally.committed, tally.log_begin = 100, 1000
    account = tally.account()
    assert (account.expired_unread, account.adds_up) == (900, False)
    assert tally.expired_unread() == range(100, 1000)


@pytest.mark.parametrize(("committed", "log_begin"), [(1000, 1000), (1025, 1000), (None, 1000)])
def test_frames_that_expired_once_they_were_read_or_of_which_no_group_tells_are_no_loss(
    committed: int | None, log_begin: int
) -> None:
    tally = tally_of([headers(seq) for seq in range(1000, 1025)], first_offset=1000)
    tally.add_result(result(1000, 1024))
    tally.committed, tally.log_begin = committed, log_begin
    account = tally.account()
    assert (account.expired_unread, account.adds_up) == (0, True)


def test_an_account_that_begins_at_a_chosen_time_says_nothing_of_what_expired_unread() -> None:
    tally = tally_of([headers(seq) for seq in range(25)], first_offset=1000)
    tally.committed = 100
    assert tally.account().expired_unread == 0


def test_the_core_of_the_ledger_imports_no_client() -> None:
    clients = "{'urllib3', 'kafka', 'boto3', 'botocore', 'prometheus_client'}"
    program = f"import sys, ops.ledger.verdict; sys.exit(str({clients} & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ended.stderr.strip() == "set()"


def test_only_a_frame_that_is_due_without_a_result_may_have_one_before_those_that_were_read() -> (
    None
):
    tally = StreamTally("cam1", 1000, 1050)
    tally.committed = 1025
    assert tally.may_lack_results(None)
    assert tally.may_lack_results(1000 - LATE_FRAMES + 1)
    assert not tally.may_lack_results(1000 - LATE_FRAMES)
    tally.add_result(result(1000, 1024))
    assert not tally.may_lack_results(None)
    tally.forget_results()
    assert tally.may_lack_results(1000)


def test_no_result_lies_before_that_of_the_first_frame_there_ever_was() -> None:
    tally = StreamTally("cam1", 0, 50)
    tally.committed = 50
    tally.add_result(result(0, 24))
    assert not tally.may_lack_results(0)
