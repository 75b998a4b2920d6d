"""One frame twice, side by side: what A found on the left, what B found on the right. Pure."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from contracts.results import Detection, FrameResult
from ops.replay.comparison import FrameDifference
from ops.replay.moments import iso_utc_of_ns
from postproc.annotate import annotate
from postproc.jpegs import decode_jpeg, encode_jpeg
from postproc.pictures import fitted

MAX_PX = 2_000_000
"""Two of these beside each other fill a screen of 4K; a larger frame is shown smaller."""
GAP_PX = 8
GROUND = (24, 24, 27)

# Positions in the palette of the post-processor, which colour-blind readers tell apart.
BOTH, LOST, NEW = 1, 5, 2


def draw_difference(
    jpeg: bytes, shown: FrameDifference, sides: tuple[str, str], quality: int
) -> bytes:
    """Return both pictures as one JPEG, `quality` on libjpeg's scale.

    `sides` name A and B. Boxes in both are blue, lost ones vermilion, new ones green, and a lost or
    new one says so. Raises InvalidInput if `jpeg` is no whole JPEG.
    """
    image = decode_jpeg(jpeg, MAX_PX)
    kept_a = [_coloured(ours, BOTH, "") for ours, _, _ in shown.both]
    kept_b = [_coloured(theirs, BOTH, "") for _, theirs, _ in shown.both]
    lost = [_coloured(found, LOST, "lost ") for found in shown.lost]
    new = [_coloured(found, NEW, "new ") for found in shown.new]
    a_says = [f"A: {sides[0]}", f"{len(kept_a)} in both (blue)", f"{len(lost)} lost (vermilion)"]
    b_says = [f"B: {sides[1]}", f"{len(kept_b)} in both (blue)", f"{len(new)} new (green)"]
    where = [f"offset {shown.a.offset}", iso_utc_of_ns(shown.a.captured_ns)]
    left = _panel(image, shown.a, [*kept_a, *lost], [*a_says, *where])
    right = _panel(image, shown.b, [*kept_b, *new], [*b_says, *where])
    return encode_jpeg(_beside(left, right), quality)


def _panel(
    image: NDArray[np.uint8],
    frame: FrameResult,
    detections: Sequence[Detection],
    caption: Sequence[str],
) -> NDArray[np.uint8]:
    picture_wh = (image.shape[1], image.shape[0])
    frame_wh = picture_wh if frame.size_wh is None else frame.size_wh
    return annotate(image, fitted(detections, frame_wh, picture_wh), caption)


def _coloured(found: Detection, colour: int, prefix: str) -> Detection:
    """The post-processor colours by class; here what became of a box matters more."""
    return replace(found, class_id=colour, label=prefix + found.label)


def _beside(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = max(left.shape[0], right.shape[0])
    width = left.shape[1] + GAP_PX + right.shape[1]
    sheet = np.empty((height, width, 3), np.uint8)
    sheet[:] = GROUND
    sheet[: left.shape[0], : left.shape[1]] = left
    sheet[: right.shape[0], left.shape[1] + GAP_PX :] = right
    return sheet
