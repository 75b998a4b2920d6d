"""What differs between two models' detections on one frame. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.results import Detection, FrameResult
from runtime.matching import greedy_matches


@dataclass(frozen=True, slots=True)
class FrameDifference:
    """One frame as two models saw it.

    `both`: A's box, B's box and their overlap; `lost` are in A only, `new` in B only.
    """

    a: FrameResult
    b: FrameResult
    both: tuple[tuple[Detection, Detection, float], ...] = ()
    lost: tuple[Detection, ...] = ()
    new: tuple[Detection, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether a box is in one only, or one model had no answer; no matter how sure it is."""
        has_one_answer = (self.a.not_inferred is None) != (self.b.not_inferred is None)
        return bool(self.lost or self.new) or has_one_answer

    @property
    def weight(self) -> float:
        """How much changed: the confidences of all boxes that are in one only."""
        return sum(found.confidence for found in (*self.lost, *self.new))


@dataclass(frozen=True, slots=True)
class _Arrays:
    """Detections as `runtime.matching` takes them."""

    boxes_xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.class_id)

    @classmethod
    def of(cls, found: Sequence[Detection]) -> "_Arrays":
        return cls(
            np.array([one.box_xyxy for one in found], np.float32).reshape(-1, 4),
            np.array([one.confidence for one in found], np.float32),
            np.array([one.class_id for one in found], np.int64),
        )


def difference(a: FrameResult, b: FrameResult, iou: float) -> FrameDifference:
    """Match the boxes of one frame: of one class, each in one pair, overlapping by `iou` or more.

    A is the reference, whose boxes B is asked to find. Where a model had no answer, nothing is
    matched, lost or new.
    """
    if a.not_inferred is not None or b.not_inferred is not None:
        return FrameDifference(a, b)
    ours, theirs = a.detections, b.detections
    matches = greedy_matches(_Arrays.of(ours), _Arrays.of(theirs), iou)
    found = {match.reference for match in matches}
    known = {match.candidate for match in matches}
    return FrameDifference(
        a,
        b,
        both=tuple(
            (ours[match.reference], theirs[match.candidate], match.iou) for match in matches
        ),
        lost=tuple(one for at, one in enumerate(ours) if at not in found),
        new=tuple(one for at, one in enumerate(theirs) if at not in known),
    )
