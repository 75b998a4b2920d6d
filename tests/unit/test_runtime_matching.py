"""Which boxes of two detectors count as the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelling.detections import Detections
from runtime.matching import Agreement, agreement, greedy_matches, iou_matrix

coordinates = st.floats(0, 1, width=32)
boxes = st.tuples(coordinates, coordinates, coordinates, coordinates).map(
    lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
)
detections = st.lists(st.tuples(boxes, coordinates, st.integers(1, 2)), max_size=8).map(
    lambda rows: found(*rows)
)


def found(*rows: tuple[tuple[float, float, float, float], float, int]) -> Detections:
    return Detections(
        np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
        np.array([row[1] for row in rows], np.float32),
        np.array([row[2] for row in rows], np.int64),
    )


def person(*xyxy: float, confidence: float = 0.9) -> Detections:
    x1, y1, x2, y2 = xyxy
    return found(((x1, y1, x2, y2), confidence, 1))


def test_two_boxes_that_share_half_of_each_overlap_by_a_third() -> None:
    a = np.array([[0.0, 0.0, 0.2, 0.2]], np.float32)
    b = np.array([[0.1, 0.0, 0.3, 0.2]], np.float32)
    assert iou_matrix(a, b) == pytest.approx(1 / 3, rel=1e-6)


def test_a_box_without_area_overlaps_nothing_not_even_itself() -> None:
    point = np.array([[0.5, 0.5, 0.5, 0.5]], np.float32)
    assert iou_matrix(point, point).tolist() == [[0.0]]


def test_the_surest_candidate_takes_the_box_and_a_second_one_on_it_is_false() -> None:
    candidate = found(((0.0, 0.0, 0.4, 0.38), 0.6, 1), ((0.0, 0.0, 0.4, 0.36), 0.9, 1))
    matches = greedy_matches(person(0.0, 0.0, 0.4, 0.4), candidate, 0.5)
    assert [(match.reference, match.candidate) for match in matches] == [(0, 1)]


def test_boxes_of_different_classes_never_match() -> None:
    other = found(((0.0, 0.0, 0.4, 0.4), 0.9, 2))
    assert greedy_matches(person(0.0, 0.0, 0.4, 0.4), other, 0.5) == []


def test_where_nobody_finds_anything_the_detectors_agree() -> None:
    counts = agreement(found(), found(), 0.5)
    assert (counts.precision, counts.recall, counts.mean_iou) == (1.0, 1.0, 1.0)


def test_a_picture_in_which_only_one_finds_something_costs_precision_or_recall() -> None:
    box = person(0.0, 0.0, 0.4, 0.4)
    assert agreement(found(), box, 0.5).precision == 0.0
    assert agreement(box, found(), 0.5).recall == 0.0


def test_counts_of_pictures_add_up() -> None:
    total = Agreement(4, 2, 1, 0.8) + Agreement(0, 2, 0, 0.0)
    assert (total.precision, total.recall, total.mean_iou) == (0.25, 0.25, 0.8)


@given(detections, detections)
def test_every_box_is_in_one_match_at_most_and_overlaps_enough(
    a: Detections, b: Detections
) -> None:
    matches = greedy_matches(a, b, 0.5)
    assert len({match.reference for match in matches}) == len(matches)
    assert len({match.candidate for match in matches}) == len(matches)
    assert all(0.5 <= match.iou <= 1.0 + 1e-9 for match in matches)


@given(detections, detections)
def test_overlap_does_not_depend_on_who_is_asked_first(a: Detections, b: Detections) -> None:
    forward = iou_matrix(a.boxes_xyxy, b.boxes_xyxy)
    assert forward == pytest.approx(iou_matrix(b.boxes_xyxy, a.boxes_xyxy).T)
