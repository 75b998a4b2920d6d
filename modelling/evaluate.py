"""The figures of the model card: how far the versions agree, and what a frame costs."""

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modelling.detections import Detections
from modelling.onnx_detector import BATCH, OnnxDetector
from runtime.matching import Agreement, agreement

THRESHOLDS = (0.3, 0.5, 0.7)
IOU = 0.5
WARM_UP_BATCHES = 4
MEASURED_BATCHES = 20


def agreement_at(
    references: Sequence[Detections], candidates: Sequence[Detections], threshold: float
) -> Agreement:
    """Both detectors' boxes of at least this confidence, matched picture by picture at IoU 0.5."""
    pairs = zip(references, candidates, strict=True)
    counts = (agreement(a.above(threshold), b.above(threshold), IOU) for a, b in pairs)
    return sum(counts, Agreement())


def agreement_table(
    references: Sequence[Detections], candidates: Sequence[Detections]
) -> list[str]:
    """A Markdown table, one row a confidence threshold."""
    lines = [
        "| confidence | boxes of the reference | precision | recall | mean IoU of matches |",
        "| --- | --- | --- | --- | --- |",
    ]
    for threshold in THRESHOLDS:
        counts = agreement_at(references, candidates, threshold)
        figures = f"{counts.precision:.3f} | {counts.recall:.3f} | {counts.mean_iou:.3f}"
        lines.append(f"| {threshold} | {counts.references} | {figures} |")
    return lines


def greatest_difference(
    references: Sequence[Detections], candidates: Sequence[Detections]
) -> tuple[float, float]:
    """Greatest difference of a box's edge and of a confidence, row by row, over all pictures.

    Boxes are in parts of the picture. Raises ValueError where the counts of boxes differ.
    """
    pairs = [pair for pair in zip(references, candidates, strict=True) if any(map(len, pair))]
    if any(len(a) != len(b) for a, b in pairs):
        raise ValueError("one of the detectors has more boxes than the other")
    edges = [np.abs(a.boxes_xyxy - b.boxes_xyxy).max() for a, b in pairs]
    confidences = [np.abs(a.confidence - b.confidence).max() for a, b in pairs]
    return float(max(edges, default=0.0)), float(max(confidences, default=0.0))


def cpu_ms_per_frame(detector: OnnxDetector, images: NDArray[np.uint8]) -> float:
    """CPU time of this machine for one frame in a batch of 25, all threads together."""
    batch = images[:BATCH]
    for _ in range(WARM_UP_BATCHES):
        detector.outputs(batch)
    started = time.process_time()
    for _ in range(MEASURED_BATCHES):
        detector.outputs(batch)
    return (time.process_time() - started) * 1000 / (MEASURED_BATCHES * len(batch))
