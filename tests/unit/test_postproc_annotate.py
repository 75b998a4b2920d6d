"""What is drawn: arrays in, arrays out."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.results import Detection
from postproc.annotate import Scale, annotate, label_text, pixel_box
from postproc.layout import Rect
from postproc.palette import CLASS_COLOURS, class_colour, contrast_ratio, text_colour
from postproc.typeface import SEMIBOLD, Typeface

CAPTION = ["front-gate", "2025-11-22 17:20:01.234 UTC", "ssd_mobilenet/2", "no detections"]


def grey(width: int = 320, height: int = 240) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.full((height, width, 3), 128, np.uint8)


def person(box_xyxy: tuple[float, float, float, float], confidence: float = 0.87) -> Detection:
    return Detection(box_xyxy, confidence, 1, "person")


def test_a_frame_without_detections_keeps_every_pixel_and_gains_a_caption_below() -> None:
    image = grey()
    annotated = annotate(image, [], CAPTION)
    assert annotated.dtype == np.uint8
    assert annotated.shape[1:] == (320, 3)
    np.testing.assert_array_equal(annotated[:240], image)
    assert annotated[240:].max() > 200, "the caption holds light letters"


def test_the_input_is_left_as_it_was() -> None:
    image = grey()
    annotate(image, [person((10, 10, 100, 100))], CAPTION)
    np.testing.assert_array_equal(image, grey())


def test_the_edge_of_a_box_has_the_colour_of_its_class() -> None:
    annotated = annotate(grey(), [person((100, 100, 200, 200))], CAPTION)
    assert tuple(annotated[150, 101]) == class_colour(1)
    assert tuple(annotated[198, 150]) == class_colour(1)
    assert tuple(annotated[150, 150]) == (128, 128, 128), "nothing is drawn inside the box"


@pytest.mark.parametrize(
    "box_xyxy",
    [
        (-50.0, -50.0, 10.0, 10.0),
        (310.0, 230.0, 400.0, 300.0),
        (0.0, 0.0, 320.0, 240.0),
        (0.0, 0.0, 1.0, 1.0),
        (5.0, 5.0, 5.0, 5.0),
        (1e300, -1e300, 1e308, 1e308),
        (100.0, 100.0, 50.0, 50.0),
    ],
)
def test_boxes_over_the_border_tiny_or_turned_inside_out_draw_nothing_far_away(
    box_xyxy: tuple[float, float, float, float],
) -> None:
    annotated = annotate(grey(), [person(box_xyxy)], CAPTION)
    assert tuple(annotated[120, 160]) == (128, 128, 128)


@given(
    st.lists(
        st.tuples(*[st.floats(-1e6, 1e6)] * 4, st.floats(0, 1), st.integers(0, 2**63)), max_size=8
    )
)
def test_any_detections_can_be_drawn(
    found: list[tuple[float, float, float, float, float, int]],
) -> None:
    detections = [Detection((a, b, c, d), p, k, "x") for a, b, c, d, p, k in found]
    assert annotate(grey(64, 48), detections, CAPTION).shape[1] == 64


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 900), (900, 2), (16, 16)])
def test_a_picture_too_small_for_letters_is_still_drawn(width: int, height: int) -> None:
    annotated = annotate(grey(width, height), [person((0, 0, width, height))], CAPTION)
    assert annotated.shape[1] == width


def test_sizes_grow_with_the_picture_and_letters_stay_readable() -> None:
    scales = [Scale.of((width, width * 9 // 16)) for width in (320, 768, 1920, 3840)]
    assert scales[0].text >= 11
    assert [scale.text for scale in scales] == sorted({scale.text for scale in scales})
    assert scales[-1].line > scales[0].line


def test_a_label_tells_class_and_confidence_on_one_line() -> None:
    assert label_text(person((0, 0, 1, 1))) == "person 0.87"
    assert label_text(Detection((0, 0, 1, 1), 0.5, 7, "")) == "class 7 0.50"
    assert label_text(Detection((0, 0, 1, 1), 0.5, 7, "two\nlines\x00")) == "twolines 0.50"


def test_a_very_long_label_is_cut() -> None:
    assert len(label_text(Detection((0, 0, 1, 1), 0.5, 7, "x" * 10_000))) < 50


def test_a_box_is_cut_to_the_picture() -> None:
    assert pixel_box((-3.0, 1.4, 9.6, 99.0), (8, 8)) == Rect(0, 1, 8, 8)
    assert pixel_box((20.0, 20.0, 30.0, 30.0), (8, 8)).area_px == 0


@pytest.mark.parametrize("colour", CLASS_COLOURS)
def test_text_stands_out_on_every_class_colour(colour: tuple[int, int, int]) -> None:
    assert contrast_ratio(text_colour(colour), colour) >= 4.5  # WCAG 2.2, level AA


def test_letters_are_smoothed() -> None:
    canvas = np.zeros((40, 200, 3), np.uint8)
    Typeface(24, SEMIBOLD).write(canvas, "evidence", (5, 5), (255, 255, 255))
    between = np.logical_and(canvas > 0, canvas < 255)
    assert between.any()


def test_threads_that_draw_at_once_draw_the_same_as_one_alone() -> None:
    detections = [
        Detection((20 + 9 * i, 20, 90 + 9 * i, 200), 0.9, i, f"class {i}") for i in range(9)
    ]
    expected = annotate(grey(640, 480), detections, CAPTION)
    wrong: list[int] = []

    def draw() -> None:
        for number in range(30):
            if not np.array_equal(annotate(grey(640, 480), detections, CAPTION), expected):
                wrong.append(number)

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
