"""What counts as a difference between two models on the same frames."""

import random
from collections.abc import Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.results import BatchResult, Detection, FrameResult
from ops.replay.account import Account, TopicFacts
from ops.replay.biggest import Biggest
from ops.replay.comparing import chosen_stream, side_name
from ops.replay.comparison import difference
from ops.replay.pairing import Pair, frames_in_order, paired
from ops.replay.report import DiffReport
from ops.replay.shifts import Shifts
from runtime.errors import ConfigurationError
from tests.unit.replay_fakes import frame, person, result

ONE = person(0, 0, 10, 10)
OTHER = person(20, 20, 30, 40)

shares = st.floats(-1, 1).map(lambda share: round(share, 4))
corners = st.integers(0, 40)
found = st.builds(
    lambda x, y, width, height, confidence, class_id: person(
        x, y, x + width, y + height, confidence=confidence, class_id=class_id
    ),
    corners,
    corners,
    st.integers(1, 20),
    st.integers(1, 20),
    st.floats(0, 1),
    st.integers(1, 2),
)
many = st.lists(found, max_size=6)


def batch(first: int, last: int) -> BatchResult:
    return result(*(frame(at) for at in range(first, last + 1)))


def read(results: Sequence[BatchResult]) -> list[int]:
    return [seen.frame.offset for seen in frames_in_order(results)]


def pairs_of(a: Sequence[FrameResult], b: Sequence[FrameResult]) -> list[tuple[bool, bool, int]]:
    """Pair frames of one batch each; return who has a frame, and its offset."""
    pairs = paired(frames_in_order([result(*a)]), frames_in_order([result(*b)]))
    return [(pair.a is not None, pair.b is not None, _offset(pair)) for pair in pairs]


def _offset(pair: Pair) -> int:
    seen = pair.a or pair.b
    assert seen is not None
    return seen.frame.offset


def compared(a: Sequence[FrameResult], b: Sequence[FrameResult], iou: float = 0.5) -> DiffReport:
    account = Account(iou, wanted_pictures=3)
    for pair in paired(frames_in_order([result(*a)]), frames_in_order([result(*b, version="2")])):
        account.add(pair)
    return account.report("cam1", TopicFacts("results", None, 0), TopicFacts("results.b", 0.4, 1))


def test_batches_that_a_killed_consumer_wrote_again_count_once_and_the_longest_of_them() -> None:
    written = [
        batch(0, 24),
        batch(25, 49),
        batch(50, 59),
        batch(25, 49),
        batch(50, 74),
        batch(75, 80),
    ]
    assert read(written) == [*range(81)]
    assert read([batch(50, 74), batch(50, 59)]) == [*range(50, 75)]
    assert read([]) == []


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(0, 2**32))
def test_every_frame_is_seen_once_and_in_order_wherever_a_consumer_was_killed(
    sizes: list[int], seed: int
) -> None:
    batches, first = [], 0
    for size in sizes:
        batches.append((first, first + size - 1))
        first += size
    rng, written, at = random.Random(seed), [], 0
    while at < len(batches):
        begin, end = batches[at]
        short = rng.randint(begin, end)  # closed by age, and longer when it is read again
        written.append(batch(begin, short))
        at = rng.randint(max(0, at - 2), at) if rng.random() < 0.3 else at
        if short == end or rng.random() < 0.5:
            written.append(batch(*batches[at]))
            at += 1
    assert read(written) == [*range(first)]


def test_frames_are_compared_from_the_first_that_both_have_until_one_ends() -> None:
    a = [frame(at) for at in range(10)]
    b = [frame(at) for at in range(4, 30)]
    assert pairs_of(a, b) == [(True, True, at) for at in range(4, 10)]


def test_a_frame_between_that_one_does_not_have_is_told_of_the_other() -> None:
    a = [frame(at) for at in (0, 1, 2, 4)]
    b = [frame(at) for at in (0, 2, 3, 4)]
    assert pairs_of(a, b) == [
        (True, True, 0),
        (True, False, 1),
        (True, True, 2),
        (False, True, 3),
        (True, True, 4),
    ]


def test_frames_of_one_offset_captured_at_other_times_are_not_the_same() -> None:
    a = [frame(0), frame(1), frame(2)]
    b = [frame(0), frame(1, shift_ns=5), frame(2)]
    assert pairs_of(a, b) == [
        (True, True, 0),
        (True, False, 1),
        (False, True, 1),
        (True, True, 2),
    ]
    assert pairs_of([frame(0)], [frame(0, shift_ns=5)]) == []


def test_a_box_in_one_only_is_lost_or_new() -> None:
    moved = person(1, 0, 11, 10, confidence=0.7)
    shown = difference(frame(0, ONE, OTHER), frame(0, person(50, 5, 60, 9), moved), 0.5)
    ((ours, theirs, iou),) = shown.both
    assert (ours, theirs) == (ONE, moved)
    assert iou == pytest.approx(9 / 11, rel=1e-6)
    assert (shown.lost, shown.new) == ((OTHER,), (person(50, 5, 60, 9),))
    assert shown.differs


def test_a_frame_whose_boxes_only_changed_their_confidence_does_not_differ() -> None:
    assert not difference(
        frame(0, ONE), frame(0, person(0, 0, 10, 10, confidence=0.5)), 0.5
    ).differs


def test_boxes_of_different_classes_are_not_the_same() -> None:
    shown = difference(frame(0, ONE), frame(0, person(0, 0, 10, 10, class_id=2)), 0.5)
    assert (len(shown.both), len(shown.lost), len(shown.new)) == (0, 1, 1)


def test_a_frame_that_one_model_could_not_infer_differs_and_its_boxes_do_not_count() -> None:
    report = compared([frame(0, ONE), frame(1)], [frame(0, refused="no JPEG"), frame(1)])
    assert (report.frames, report.frames_differ) == (2, 1)
    assert (report.a.not_inferred, report.b.not_inferred) == (0, 1)
    assert (report.together.boxes_a, report.together.lost) == (0, 0)


def test_a_frame_that_no_model_could_infer_does_not_differ() -> None:
    refused = [frame(0, refused="no JPEG")]
    assert compared(refused, refused).frames_differ == 0


@given(many, many)
def test_every_box_is_matched_lost_or_new(ours: list[Detection], theirs: list[Detection]) -> None:
    shown = difference(frame(0, *ours), frame(0, *theirs), 0.5)
    assert len(shown.both) + len(shown.lost) == len(ours)
    assert len(shown.both) + len(shown.new) == len(theirs)


@given(many)
def test_a_model_agrees_with_itself(boxes: list[Detection]) -> None:
    distinct = list({one.box_xyxy: one for one in boxes}.values())
    assert not difference(frame(0, *distinct), frame(0, *distinct), 0.5).differs


def test_the_sums_say_how_b_does_against_a() -> None:
    wide = person(0, 0, 10, 12, confidence=0.8)
    a = [frame(0, ONE, OTHER), frame(1, ONE), frame(2)]
    b = [frame(0, ONE), frame(1, wide, person(50, 50, 60, 60, class_id=2)), frame(2)]
    report = compared(a, b)
    assert (report.frames, report.frames_differ, report.share) == (3, 2, round(2 / 3, 5))
    together = report.together
    assert (together.boxes_a, together.boxes_b, together.matched) == (3, 3, 2)
    assert (together.lost, together.new) == (1, 1)
    assert together.precision == together.recall == round(2 / 3, 5)
    assert together.mean_iou == pytest.approx((1 + 100 / 120) / 2, abs=1e-5)
    assert [(row.label, row.new, row.lost) for row in report.classes] == [
        ("class 1", 0, 1),
        ("class 2", 1, 0),
    ]
    assert report.confidence_shift is not None
    assert report.confidence_shift.mean == -0.05


def test_models_and_thresholds_of_both_sides_are_told() -> None:
    report = compared([frame(0, ONE)], [frame(0, person(0, 0, 10, 10, confidence=0.41))])
    assert [(at.name, at.version, at.frames) for at in report.a.models] == [("ssd", "1", 1)]
    assert side_name(report.b) == "results.b, ssd/2"
    assert (report.a.min_confidence, report.a.lowest_confidence) == (None, 0.9)
    assert (report.b.min_confidence, report.b.lowest_confidence) == (0.4, 0.41)
    assert report.b.unreadable == 1


def test_where_nothing_was_compared_there_is_no_report() -> None:
    with pytest.raises(ValueError, match="no frame"):
        compared([frame(0)], [frame(9)])


def test_a_wider_overlap_is_asked_for_by_iou() -> None:
    a, b = [frame(0, ONE)], [frame(0, person(0, 0, 10, 12))]
    assert compared(a, b, iou=0.5).frames_differ == 0
    assert compared(a, b, iou=0.9).frames_differ == 1


@given(st.lists(shares, min_size=1, max_size=300))
def test_shifts_are_exact_whatever_their_number(values: list[float]) -> None:
    shifts = Shifts()
    for value in values:
        shifts.add(value)
    report = shifts.report()
    assert report is not None
    assert report.mean == pytest.approx(np.mean(values), abs=1e-5)
    ranked = sorted(values)
    for share, told in ((0.05, report.p5), (0.5, report.p50), (0.95, report.p95)):
        rank = max(1, int(np.ceil(share * len(values))))
        assert told == pytest.approx(ranked[rank - 1], abs=1e-9)
    assert sum(at.boxes for at in report.histogram) == len(values)


def test_where_nothing_matched_there_is_no_shift() -> None:
    assert Shifts().report() is None


def test_a_bin_of_shifts_holds_its_lower_edge() -> None:
    shifts = Shifts()
    for value in (-1.0, 0.0, 0.5, 1.0):
        shifts.add(value)
    report = shifts.report()
    assert report is not None
    by_edge = {at.least: at.boxes for at in report.histogram if at.boxes}
    assert by_edge == {-1.0: 1, -0.005: 1, 0.2: 2}


def test_of_the_biggest_changes_one_a_second_is_kept_and_the_surest_come_first() -> None:
    biggest = Biggest(2)
    for at, confidence in ((0, 0.5), (3, 0.9), (8, 0.6), (25, 0.8), (60, 0.7), (61, 0.0)):
        lost = [person(0, 0, 9, 9, confidence=confidence)]
        biggest.add(difference(frame(at, *lost), frame(at), 0.5))
    biggest.add(difference(frame(90, ONE), frame(90, ONE), 0.5))
    assert [shown.a.offset for shown in biggest.ranked()] == [3, 25]


def test_of_equal_changes_the_earlier_comes_first() -> None:
    biggest = Biggest(5)
    for at in (0, 20, 40):
        biggest.add(difference(frame(at, ONE), frame(at), 0.5))
    assert [shown.a.offset for shown in biggest.ranked()] == [0, 20, 40]


def test_without_a_wish_for_pictures_nothing_is_kept() -> None:
    biggest = Biggest(0)
    biggest.add(difference(frame(0, ONE), frame(0), 0.5))
    assert biggest.ranked() == []


def test_the_stream_is_that_of_the_replays_unless_one_is_asked_for() -> None:
    topics, of_cam1 = ("results", "results.b"), result(frame(0))
    assert chosen_stream("cam7", topics, [None, of_cam1]) == "cam7"
    assert chosen_stream(None, topics, [None, of_cam1]) == "cam1"
    assert chosen_stream(None, topics, [of_cam1, of_cam1]) == "cam1"


def test_where_the_stream_is_not_clear_it_has_to_be_chosen() -> None:
    other = result(frame(0))
    from_cam2 = msgspec.structs.replace(other, stream_id="cam2")
    with pytest.raises(ConfigurationError, match=r"replays of cam1 and cam2.*--stream"):
        chosen_stream(None, ("results.a", "results.b"), [other, from_cam2])
    with pytest.raises(ConfigurationError, match=r"not replays of one stream.*--stream"):
        chosen_stream(None, ("results", "results"), [None, None])


def test_a_seen_frame_carries_the_model_of_its_batch() -> None:
    (seen,) = frames_in_order([result(frame(0), version="7")])
    assert seen.model.version == "7"
