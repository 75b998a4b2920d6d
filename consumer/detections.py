"""Model output to detections: scores cut, boxes in the frame's own pixels, classes named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from contracts.results import Detection, Model

MAX_DETECTIONS = 100
"""Of one frame, as TensorFlow's Object Detection API has it: a result has room for these."""
MAX_CLASS_ID = 65_535


@dataclass(frozen=True, slots=True)
class FrameOutput:
    """What the model found in one image, rows that hold a detection only.

    boxes: (rows, 4) float32, each (ymin, xmin, ymax, xmax) from 0 to 1; scores and classes: (rows,)
    float32.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the model gave no output for one image, after how many requests that held it."""

    reason: str
    attempts: int


O_co = TypeVar("O_co", bound=FrameOutput | Refusal, covariant=True)


@dataclass(frozen=True, slots=True)
class Answer(Generic[O_co]):
    """What became of some images, in their order, and the model that answered."""

    model: Model
    images: Sequence[O_co]


def split_outputs(
    boxes: NDArray[np.float32],
    scores: NDArray[np.float32],
    classes: NDArray[np.float32],
    counts: NDArray[np.float32],
) -> list[FrameOutput]:
    """Split the outputs of N images, in the signature of TensorFlow's Object Detection API.

    boxes: (N, rows, 4); scores and classes: (N, rows); counts: (N,) or (N, 1), the rows that hold a
    detection. Raises ValueError, naming the shapes, if they disagree.
    """
    frames, rows = scores.shape
    shapes = (boxes.shape, classes.shape, counts.size)
    if shapes != ((frames, rows, 4), (frames, rows), frames):
        raise ValueError(
            f"shapes disagree: boxes {boxes.shape}, scores {scores.shape}, "
            f"classes {classes.shape}, num_detections {counts.shape}"
        )
    used = np.clip(counts.reshape(frames), 0, rows).astype(int).tolist()
    return [
        FrameOutput(boxes[at, :n], scores[at, :n], classes[at, :n]) for at, n in enumerate(used)
    ]


def detections_of(
    output: FrameOutput, size_wh: tuple[int, int], min_confidence: float, labels: Sequence[str]
) -> tuple[Detection, ...]:
    """Return the detections in one frame, surest first.

    `size_wh` is the frame's size in pixels; boxes are clipped to it and rounded to a tenth of a
    pixel, and a box with no area left is not returned. A class without a label is `class <id>`; a
    row whose class is no such number is none. At most MAX_DETECTIONS are returned.
    """
    is_class = (output.classes >= 0) & (output.classes <= MAX_CLASS_ID)  # no NaN is either
    chosen = np.flatnonzero((output.scores >= min_confidence) & is_class)
    found = [
        Detection(
            box_xyxy=(x1, y1, x2, y2),
            confidence=round(min(max(float(output.scores[row]), 0.0), 1.0), 4),
            class_id=int(output.classes[row]),
            label=_label(int(output.classes[row]), labels),
        )
        for row, (x1, y1, x2, y2) in zip(
            chosen.tolist(), _pixels(output.boxes[chosen], size_wh), strict=True
        )
        if x2 > x1 and y2 > y1
    ]
    return tuple(sorted(found, key=lambda detection: -detection.confidence)[:MAX_DETECTIONS])


def _pixels(
    boxes: NDArray[np.float32], size_wh: tuple[int, int]
) -> list[tuple[float, float, float, float]]:
    width, height = size_wh
    scale = np.array([width, height, width, height], np.float64)
    xyxy = np.clip(boxes[:, [1, 0, 3, 2]].astype(np.float64), 0.0, 1.0) * scale
    return [(x1, y1, x2, y2) for x1, y1, x2, y2 in np.round(xyxy, 1).tolist()]


def _label(class_id: int, labels: Sequence[str]) -> str:
    return labels[class_id] if 0 <= class_id < len(labels) else f"class {class_id}"
