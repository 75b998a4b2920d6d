import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InvalidRecord
from contracts.results import Detection, encode_result
from tests.postproc_results import PERSON, batch_result
from tests.unit.viewer_results import NOW_MS, batch
from viewer.batches import MAX_LABELS, MAX_PICTURES, Batch, Origin, read_batch
from viewer.history import History


def history(*batches: Batch) -> History:
    kept = History()
    for one in batches:
        kept.add(one, NOW_MS)
    return kept


def test_a_batch_is_told_with_its_numbers_and_without_its_jpegs() -> None:
    result = batch_result(first_offset=50, evidence_jpegs=[b"x" * 99_999, b"y"])
    unseen = msgspec.structs.replace(result.frames[3], detections=(), not_inferred="no JPEG")
    frames = (*result.frames[:3], unseen, *result.frames[4:])
    view = read_batch(
        encode_result(msgspec.structs.replace(result, frames=frames)), Origin(0, 7)
    ).view(is_stored=True)
    assert (view.first_offset, view.last_offset, view.is_stored) == (50, 74, True)
    assert (view.model, view.closed_by, view.not_inferred) == ("ssd_mobilenet/2", "size", 1)
    assert view.detections == (1, 1, 1, 0) + (1,) * 21
    assert view.captured_ms[1] - view.captured_ms[0] == 40
    assert (view.gather_ms, view.decode_ms, view.infer_ms) == (1000.0, 50.0, 250.0)
    assert [picture.offset for picture in view.pictures] == [50, 51]
    assert view.pictures[0].key == result.evidence[0].key
    assert len(msgspec.json.encode(view)) < 2000


def test_a_batch_counts_the_most_of_each_kind_and_what_is_there_now() -> None:
    car = replace_label(PERSON, "car")
    result = batch_result(detections=(PERSON, PERSON, car))
    last = msgspec.structs.replace(result.frames[-1], detections=(PERSON, car, car))
    result = msgspec.structs.replace(result, frames=(*result.frames[:-1], last))
    read = read_batch(encode_result(result), Origin(0, 0))
    assert read.counts == {"person": 2, "car": 2}
    assert read.now == {"person": 1, "car": 2}


def test_a_stranger_s_result_takes_no_more_room_than_any_other() -> None:
    kinds = tuple(replace_label(PERSON, f"kind {number}") for number in range(100))
    result = batch_result(detections=kinds, evidence_jpegs=[b"jpeg"] * 50, frame_count=50)
    read = read_batch(encode_result(result), Origin(0, 0))
    assert (len(read.counts), len(read.now)) == (MAX_LABELS, MAX_LABELS)
    assert len(read.pictures) == MAX_PICTURES


def test_a_result_that_names_another_place_in_the_bucket_is_refused() -> None:
    result = batch_result()
    elsewhere = msgspec.structs.replace(result.evidence[0], key="ledger/latest.json")
    with pytest.raises(InvalidRecord, match="evidence key"):
        read_batch(
            encode_result(msgspec.structs.replace(result, evidence=(elsewhere,))), Origin(0, 0)
        )


def test_the_newest_capture_comes_first_in_whatever_order_results_come() -> None:
    kept = history(batch(number=2), batch(number=0), batch(number=1))
    assert [one.first_offset for one in kept.batches("cam1")] == [50, 25, 0]
    newest = kept.newest("cam1")
    assert newest is not None
    assert newest.first_offset == 50
    assert kept.newest("cam2") is None


def test_a_result_that_comes_again_is_kept_once() -> None:
    kept = history(batch(number=1, offset=3), batch(number=1, offset=9))
    [only] = kept.batches("cam1")
    assert only.origin == Origin(0, 9)


def test_a_time_still_to_come_does_not_hide_what_comes_after_it() -> None:
    kept = history(batch(number=1, captured_ms=NOW_MS + 10**9))
    kept.add(batch(number=2, captured_ms=NOW_MS + 1000), NOW_MS + 5000)
    newest = kept.newest("cam1")
    assert newest is not None
    assert newest.first_offset == 50


def test_a_picture_is_shown_once_its_result_is_done_with() -> None:
    kept = history(batch(number=1, offset=10), batch(number=2, offset=11))
    assert kept.picture("cam1") is None
    kept.settle({0: 11})
    assert kept.picture("cam1") == batch(number=1).pictures[-1]
    assert [kept.is_stored(one) for one in kept.batches("cam1")] == [False, True]
    kept.settle({0: 12})
    assert kept.picture("cam1") == batch(number=2).pictures[-1]
    kept.settle({1: 12})
    assert kept.picture("cam1") is None


def test_each_partition_has_its_own_offsets() -> None:
    kept = history(batch(number=1, offset=10, partition=1))
    kept.settle({0: 99})
    assert kept.stored("cam1") is None
    kept.settle({1: 11})
    assert kept.stored("cam1") is not None


def test_a_gap_is_the_longest_between_the_newest_results() -> None:
    kept = history(*(batch(number=number) for number in (0, 1, 3, 4)))
    assert kept.gap_s("cam1") == 2
    assert history(batch()).gap_s("cam1") == 0
    assert history(batch(), batch(number=1, captured_ms=10**6)).gap_s("cam1") == 60


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 20)), max_size=60))
def test_it_holds_no_more_than_it_may_and_always_the_newest_heard(
    added: list[tuple[str, int]],
) -> None:
    kept = History(max_streams=3, max_batches=4)
    for stream, number in added:
        kept.add(batch(stream, number), NOW_MS)
        assert kept.newest(stream) is not None
    left = [stream for stream in "abcde" if kept.newest(stream) is not None]
    assert len(left) <= 3
    for stream in left:
        numbers = [one.first_offset // 25 for one in kept.batches(stream)]
        assert numbers == sorted(set(numbers), reverse=True)
        assert len(numbers) <= 4


def test_a_stream_that_left_has_no_batches() -> None:
    kept = history(batch())
    kept.forget("cam1")
    kept.forget("cam2")
    assert kept.newest("cam1") is None


def replace_label(found: Detection, label: str) -> Detection:
    return msgspec.structs.replace(found, label=label)
