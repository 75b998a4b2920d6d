import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.detections import FrameOutput, detections_of, split_outputs
from consumer.evidence import chosen_frames, within
from contracts.results import Detection, EvidenceFrame, FrameResult


def _zeros(*shape: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return np.zeros(shape, np.float32)


def test_rows_beyond_num_detections_are_not_read() -> None:
    scores = np.full((2, 100), 0.9, np.float32)
    first, second = split_outputs(
        _zeros(2, 100, 4), scores, _zeros(2, 100), np.array([3, 0], np.float32)
    )
    assert (len(first.scores), len(second.scores)) == (3, 0)


def test_counts_with_an_axis_of_their_own_are_read_too() -> None:
    counts = np.array([[2]], np.float32)
    (only,) = split_outputs(_zeros(1, 100, 4), _zeros(1, 100), _zeros(1, 100), counts)
    assert len(only.scores) == 2


def test_outputs_that_disagree_are_refused_with_their_shapes() -> None:
    with pytest.raises(ValueError, match=r"boxes \(1, 50, 4\), scores \(1, 100\)"):
        split_outputs(_zeros(1, 50, 4), _zeros(1, 100), _zeros(1, 100), _zeros(1))


def test_boxes_are_clipped_sorted_and_named() -> None:
    boxes = np.array(
        [[-0.5, -0.5, 0.5, 0.5], [0, 0, 1, 2], [0.2, 0.2, 0.2, 0.9], [0, 0, 1, 1]], np.float32
    )
    scores = np.array([0.6, 0.8, 0.9, 0.1], np.float32)
    found = detections_of(
        FrameOutput(boxes, scores, np.array([1, 7, 1, 1], np.float32)),
        (200, 100),
        0.5,
        ["background", "person"],
    )
    assert [(d.box_xyxy, d.label) for d in found] == [
        ((0.0, 0.0, 200.0, 100.0), "class 7"),
        ((0.0, 0.0, 100.0, 50.0), "person"),
    ]


def _frames(*confidences: float | None) -> list[FrameResult]:
    return [
        FrameResult(at, 0, (1, 1), (), "refused")
        if confidence is None
        else FrameResult(at, 0, (1, 1), (Detection((0, 0, 1, 1), confidence, 1, "person"),))
        for at, confidence in enumerate(confidences)
    ]


def test_the_best_frame_is_the_one_with_the_greatest_sum_of_confidences() -> None:
    assert chosen_frames("best", _frames(0.2, 0.9, None, 0.9)) == [1]
    assert chosen_frames("first", _frames(None, 0.2, 0.9)) == [1]
    assert chosen_frames("all", _frames(None, 0.2, 0.9)) == [1, 2]
    assert chosen_frames("best", _frames(None, None)) == []


@given(st.lists(st.sampled_from([None, 0.1, 0.9]), max_size=30), st.integers(1, 40))
def test_a_spread_takes_that_many_different_inferred_frames_in_order(
    confidences: list[float | None], count: int
) -> None:
    frames = _frames(*confidences)
    inferred = [at for at, confidence in enumerate(confidences) if confidence is not None]
    chosen = chosen_frames(f"spread:{count}", frames)
    assert chosen == sorted(set(chosen))
    assert set(chosen) <= set(inferred)
    assert len(chosen) == min(count, len(inferred))


def test_a_spread_of_one_takes_the_middle() -> None:
    assert chosen_frames("spread:1", _frames(*[0.5] * 25)) == [12]
    assert chosen_frames("spread:5", _frames(*[0.5] * 25)) == [2, 7, 12, 17, 22]


def test_the_leading_pictures_that_have_room_as_base64_are_kept() -> None:
    pictures = [EvidenceFrame(at, "key", b"jpeg" * 30) for at in range(2)]
    each_bytes = len(b'{"offset":0,"key":"key","jpeg":""},') + 120 // 3 * 4
    assert within(2 * each_bytes, pictures) == tuple(pictures)
    assert within(2 * each_bytes - 1, pictures) == (pictures[0],)
    assert within(-5, pictures) == ()
