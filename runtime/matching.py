"""How far two detectors agree on the same pictures: which boxes are the same, and how closely.

Pure, with numpy alone: the making of a model and the comparison of two replays judge by it.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Detections(Protocol):
    """The n boxes of one picture, in any unit that both detectors share."""

    @property
    def boxes_xyxy(self) -> NDArray[np.float32]:
        """Corners, shape [n,4]."""

    @property
    def confidence(self) -> NDArray[np.float32]:
        """From 0 to 1, shape [n]."""

    @property
    def class_id(self) -> NDArray[np.int64]:
        """Shape [n]."""

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Match:
    """Two boxes that show the same object."""

    reference: int
    candidate: int
    iou: float


@dataclass(frozen=True)
class Agreement:
    """Counts over any number of pictures; they add up, so pictures can be counted one by one."""

    references: int = 0
    candidates: int = 0
    matches: int = 0
    iou_sum: float = 0.0

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(
            self.references + other.references,
            self.candidates + other.candidates,
            self.matches + other.matches,
            self.iou_sum + other.iou_sum,
        )

    @property
    def precision(self) -> float:
        """Part of the candidate's boxes that the reference has too; 1 where it has none."""
        return self.matches / self.candidates if self.candidates else 1.0

    @property
    def recall(self) -> float:
        """Part of the reference's boxes that the candidate found; 1 where there are none."""
        return self.matches / self.references if self.references else 1.0

    @property
    def mean_iou(self) -> float:
        """Mean overlap of the matched boxes; 1 where there are none."""
        return self.iou_sum / self.matches if self.matches else 1.0


def iou_matrix(a_xyxy: NDArray[np.float32], b_xyxy: NDArray[np.float32]) -> NDArray[np.float64]:
    """Intersection over union of every box of a, shape [n,4], with every one of b, shape [m,4].

    Returns float64 [n,m] in 0..1; a box without area overlaps nothing.
    """
    a, b = a_xyxy.astype(np.float64)[:, None], b_xyxy.astype(np.float64)[None]
    extent = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    intersection: NDArray[np.float64] = np.clip(extent, 0, None).prod(axis=2)
    union = _area(a) + _area(b) - intersection
    empty = np.zeros(intersection.shape)
    return np.divide(intersection, union, out=empty, where=intersection > 0)


def greedy_matches(
    reference: Detections, candidate: Detections, iou_threshold: float
) -> list[Match]:
    """Pairs of boxes of one class that overlap enough, each box in one pair at most.

    The candidate's surest box chooses first, and takes the free reference box it overlaps most: the
    rule of the PASCAL VOC devkit.
    """
    same_class = reference.class_id[:, None] == candidate.class_id[None]
    overlaps = np.where(same_class, iou_matrix(reference.boxes_xyxy, candidate.boxes_xyxy), 0.0)
    matches = []
    for index in np.argsort(-candidate.confidence, kind="stable"):
        if not len(overlaps):
            break
        best = int(overlaps[:, index].argmax())
        if (iou := float(overlaps[best, index])) >= iou_threshold:
            matches.append(Match(best, int(index), iou))
            overlaps[best] = -1.0  # taken
    return matches


def agreement(reference: Detections, candidate: Detections, iou_threshold: float) -> Agreement:
    """The counts of one picture."""
    matches = greedy_matches(reference, candidate, iou_threshold)
    overlap = sum(match.iou for match in matches)
    return Agreement(len(reference), len(candidate), len(matches), overlap)


def _area(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    sides: NDArray[np.float64] = np.clip(boxes[..., 2:] - boxes[..., :2], 0, None)
    return sides[..., 0] * sides[..., 1]
