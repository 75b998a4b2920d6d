"""Text on pictures, in the scalable sans-serif that OpenCV 5 carries inside itself."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from postproc.palette import Rgb

REGULAR = 400
SEMIBOLD = 600


@dataclass(frozen=True, slots=True)
class Typeface:
    """A size in pixels (ascent of the letters) and a weight of 100 to 1000.

    Every call makes its own `cv2.FontFace`, which takes 0.4 microseconds: one that threads share
    draws wrong letters (9000 of 24000 texts in a trial with 8 threads, none with a face each).
    """

    size_px: int
    weight: int = REGULAR

    @property
    def line_px(self) -> int:
        """Height of a line, from the top of the letters to below those that hang."""
        return self.size_px + self.descent_px

    @property
    def descent_px(self) -> int:
        """How far letters hang below the line they stand on."""
        return -(-self.size_px // 4)

    def width_px(self, text: str) -> int:
        """Return the width of a text."""
        box_xywh = cv2.getTextSize((0, 0), text, (0, 0), _face(), self.size_px, self.weight)
        return int(box_xywh[0] + box_xywh[2])

    def write(
        self, image: NDArray[np.uint8], text: str, top_left_xy: tuple[int, int], colour: Rgb
    ) -> None:
        """Write on `image`, shape (height, width, 3), uint8, in the order of `colour`, in place."""
        baseline_xy = (top_left_xy[0], top_left_xy[1] + self.size_px)
        cv2.putText(image, text, baseline_xy, colour, _face(), self.size_px, self.weight)


def _face() -> cv2.FontFace:
    return cv2.FontFace("sans")
