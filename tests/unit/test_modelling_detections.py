"""What is read out of the model's four outputs."""

import numpy as np
import pytest

from modelling.detections import Detections
from modelling.evaluate import agreement_table, greatest_difference


def outputs() -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    boxes = np.zeros((2, 100, 4), np.float32)
    scores, classes = np.zeros((2, 100), np.float32), np.zeros((2, 100), np.float32)
    boxes[0, 0], scores[0, 0], classes[0, 0] = (0.1, 0.2, 0.3, 0.4), 0.9, 1
    return [boxes, scores, classes, np.array([1, 0], np.float32)]


def test_boxes_come_out_with_x_before_y() -> None:
    first, _ = Detections.from_model(*outputs())
    assert first.boxes_xyxy.tolist() == [pytest.approx([0.2, 0.1, 0.4, 0.3])]


def test_only_the_counted_rows_are_read() -> None:
    assert [len(picture) for picture in Detections.from_model(*outputs())] == [1, 0]


def test_a_threshold_keeps_the_box_that_lies_on_it() -> None:
    first, _ = Detections.from_model(*outputs())
    on_it = float(first.confidence[0])
    assert (len(first.above(on_it)), len(first.above(on_it + 0.01))) == (1, 0)


def test_as_many_confidences_as_boxes_are_wanted() -> None:
    with pytest.raises(ValueError, match="as many confidences"):
        Detections(np.zeros((2, 4), np.float32), np.zeros(1, np.float32), np.zeros(2, np.int64))


def test_a_detector_agrees_wholly_with_itself() -> None:
    pictures = Detections.from_model(*outputs())
    assert agreement_table(pictures, pictures)[2] == "| 0.3 | 1 | 1.000 | 1.000 | 1.000 |"
    assert greatest_difference(pictures, pictures) == (0.0, 0.0)


def test_differing_counts_of_boxes_are_no_small_difference() -> None:
    first, second = Detections.from_model(*outputs())
    with pytest.raises(ValueError, match="more boxes"):
        greatest_difference([first], [second])
