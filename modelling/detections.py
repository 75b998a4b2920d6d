"""What a detector found in one picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Detections:
    """The boxes of one picture.

    boxes_xyxy: float32 [n,4], in parts of the picture's width and height.
    confidence: float32 [n], 0..1.
    class_id: int64 [n], 1 is a person.
    """

    boxes_xyxy: NDArray[np.float32]
    confidence: NDArray[np.float32]
    class_id: NDArray[np.int64]

    def __post_init__(self) -> None:
        count = len(self.boxes_xyxy)
        if self.boxes_xyxy.shape != (count, 4):
            raise ValueError(f"boxes_xyxy must be [n,4], not {self.boxes_xyxy.shape}")
        if self.confidence.shape != (count,) or self.class_id.shape != (count,):
            raise ValueError(f"{count} boxes want as many confidences and class ids")

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    def above(self, threshold: float) -> "Detections":
        """Those of at least this confidence."""
        sure = self.confidence >= threshold
        return Detections(self.boxes_xyxy[sure], self.confidence[sure], self.class_id[sure])

    @classmethod
    def from_model(
        cls,
        boxes: NDArray[np.float32],
        scores: NDArray[np.float32],
        classes: NDArray[np.float32],
        counts: NDArray[np.float32],
    ) -> list["Detections"]:
        """One a picture, from the four outputs of TensorFlow's Object Detection API.

        boxes: [N,100,4] as ymin, xmin, ymax, xmax; scores and classes: [N,100]; counts: [N].
        """
        return [
            cls(
                boxes[row, :count, [1, 0, 3, 2]].T.astype(np.float32),
                scores[row, :count].astype(np.float32),
                classes[row, :count].astype(np.int64),
            )
            for row, count in enumerate(counts.astype(int))
        ]
