"""Draws boxes, labels and a caption: an array in, an array out, nothing of the input changed."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.results import Detection
from postproc.layout import Rect, flow_lines, place_labels
from postproc.palette import Rgb, class_colour, text_colour
from postproc.typeface import REGULAR, SEMIBOLD, Typeface

Image = NDArray[np.uint8]

MAX_DRAWN = 100
"""The most confident ones; the model answers with no more (TensorFlow's Object Detection API)."""
MAX_LABEL_CHARS = 40

_CAPTION_GROUND: Rgb = (24, 24, 27)
_CAPTION_TITLE: Rgb = (255, 255, 255)
_CAPTION_TEXT: Rgb = (190, 190, 196)


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes in pixels that make a picture of any size look alike on the same screen."""

    text: int
    line: int
    padding: int

    @classmethod
    def of(cls, picture_wh: tuple[int, int]) -> "Scale":
        """Return the sizes for a picture; text is never smaller than can be read."""
        side_px = math.sqrt(picture_wh[0] * picture_wh[1])
        text = max(11, round(4 + side_px / 72))
        return cls(text, max(2, round(side_px / 420)), max(2, round(text / 4)))


def annotate(image: Image, detections: Sequence[Detection], caption: Sequence[str]) -> Image:
    """Return the picture with its boxes, above a bar that holds the caption.

    `image` is RGB, shape (height, width, 3), uint8; boxes are in its pixels. The result is as wide
    and taller by the bar, so that no pixel of the evidence is hidden by the caption and boxes keep
    their coordinates. The first word of the caption stands out.
    """
    height, width = image.shape[:2]
    scale = Scale.of((width, height))
    drawn = sorted(detections, key=lambda detection: -detection.confidence)[:MAX_DRAWN]
    bar = _caption_bar(caption, width, scale)
    canvas: Image = np.concatenate((image, bar))
    _draw_detections(canvas[:height], drawn, scale)
    return canvas


def label_text(detection: Detection) -> str:
    """Return a label as it is drawn: the class and the confidence, on one line."""
    name = drawable(detection.label, MAX_LABEL_CHARS)
    return f"{name or f'class {detection.class_id}'} {detection.confidence:.2f}"


def drawable(text: str, max_chars: int) -> str:
    """Return a text as it may be drawn: one line, nothing without a shape, and not too long."""
    return "".join(char for char in text if char.isprintable())[:max_chars]


def pixel_box(box_xyxy: tuple[float, float, float, float], picture_wh: tuple[int, int]) -> Rect:
    """Return the whole pixels of a box, cut to the picture; its area is 0 if it lies outside."""
    width, height = picture_wh
    x1, y1, x2, y2 = box_xyxy
    return Rect(
        round(min(max(x1, 0), width)),
        round(min(max(y1, 0), height)),
        round(min(max(x2, 0), width)),
        round(min(max(y2, 0), height)),
    )


def _draw_detections(image: Image, detections: Sequence[Detection], scale: Scale) -> None:
    """Draw the least confident first, so that the best lie on top; labels above all boxes."""
    picture_wh = (image.shape[1], image.shape[0])
    boxes = [(found, pixel_box(found.box_xyxy, picture_wh)) for found in detections]
    seen = [(found, box) for found, box in boxes if box.area_px > 0]
    face = Typeface(scale.text, SEMIBOLD)
    texts = [label_text(found) for found, _ in seen]
    sizes_wh = [_label_size(face, text, scale.padding) for text in texts]
    labels = place_labels([box for _, box in seen], sizes_wh, picture_wh)
    for found, box in reversed(seen):
        _draw_box(image, box, class_colour(found.class_id), scale.line)
    for (found, _), text, label in reversed(list(zip(seen, texts, labels, strict=True))):
        if label is not None:
            _draw_label(image, label, text, class_colour(found.class_id), face, scale.padding)


def _label_size(face: Typeface, text: str, padding: int) -> tuple[int, int]:
    return face.width_px(text) + 2 * padding, face.line_px + padding


def _draw_box(image: Image, box: Rect, colour: Rgb, line_px: int) -> None:
    """Draw edges of whole pixels, which stay crisp, between two thin rims of a darker picture."""
    rim_px = max(1, line_px // 3)
    for edge in _edges(box, line_px + 2 * rim_px):
        edge_px = image[edge.y1 : edge.y2, edge.x1 : edge.x2]
        edge_px //= 3
    inner = Rect(box.x1 + rim_px, box.y1 + rim_px, box.x2 - rim_px, box.y2 - rim_px)
    for edge in _edges(inner, line_px) if inner.area_px else ():
        image[edge.y1 : edge.y2, edge.x1 : edge.x2] = colour


def _edges(box: Rect, line_px: int) -> Iterator[Rect]:
    """Yield the four edges of a box, inside it, so that no pixel belongs to two of them."""
    x1, y1, x2, y2 = box
    if min(x2 - x1, y2 - y1) <= 2 * line_px:
        yield box
        return
    yield Rect(x1, y1, x2, y1 + line_px)
    yield Rect(x1, y2 - line_px, x2, y2)
    yield Rect(x1, y1 + line_px, x1 + line_px, y2 - line_px)
    yield Rect(x2 - line_px, y1 + line_px, x2, y2 - line_px)


def _draw_label(
    image: Image, label: Rect, text: str, colour: Rgb, face: Typeface, padding: int
) -> None:
    x1, y1, x2, y2 = label
    image[y1:y2, x1:x2] = colour
    face.write(image, text, (x1 + padding, y1 + padding // 2), text_colour(colour))


def _caption_bar(caption: Sequence[str], width: int, scale: Scale) -> Image:
    title, plain = Typeface(scale.text, SEMIBOLD), Typeface(scale.text, REGULAR)
    margin, gap = 2 * scale.padding, 4 * scale.padding
    lines = flow_lines(caption, width - 2 * margin, gap, title.width_px)
    pitch = plain.line_px + scale.padding
    bar = np.full((len(lines) * pitch + 2 * scale.padding, width, 3), _CAPTION_GROUND, np.uint8)
    y1 = scale.padding + scale.padding // 2
    for number, line in enumerate(lines):
        x1 = margin
        for position, word in enumerate(line):
            is_title = number == 0 and position == 0
            face = title if is_title else plain
            face.write(bar, word, (x1, y1), _CAPTION_TITLE if is_title else _CAPTION_TEXT)
            x1 += face.width_px(word) + gap
        y1 += pitch
    return bar
