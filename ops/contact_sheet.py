"""Some of the annotated pictures on one sheet, for a first look."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

COLUMNS, ROWS = 3, 3
TILE_WH = (640, 480)
GAP_PX = 8
BACKGROUND = 24  # a grey level


def evenly(count: int, wanted: int) -> list[int]:
    """Return at most `wanted` positions out of `count`, evenly spaced, the first and last among."""
    if count <= wanted:
        return list(range(count))
    return [round(at * (count - 1) / (wanted - 1)) for at in range(wanted)]


def contact_sheet(jpegs: Sequence[bytes]) -> NDArray[np.uint8]:
    """Return up to nine of the pictures, evenly chosen, on one sheet.

    BGR, shape (height, width, 3), uint8; each picture keeps its aspect ratio. Raises ValueError if
    there is none, or one that cannot be decoded.
    """
    if not jpegs:
        raise ValueError("a contact sheet needs at least one picture")
    tiles = [_tile(jpegs[at]) for at in evenly(len(jpegs), COLUMNS * ROWS)]
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    width, height = TILE_WH
    sheet = np.full(
        (rows * (height + GAP_PX) + GAP_PX, columns * (width + GAP_PX) + GAP_PX, 3),
        BACKGROUND,
        np.uint8,
    )
    for at, tile in enumerate(tiles):
        top = GAP_PX + (at // columns) * (height + GAP_PX)
        left = GAP_PX + (at % columns) * (width + GAP_PX)
        sheet[top : top + height, left : left + width] = tile
    return sheet


def _tile(jpeg: bytes) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError("not a picture")
    width, height = TILE_WH
    scale = min(width / picture.shape[1], height / picture.shape[0])
    inner_wh = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
    tile = np.full((height, width, 3), BACKGROUND, np.uint8)
    left, top = (width - inner_wh[0]) // 2, (height - inner_wh[1]) // 2
    resized = cv2.resize(picture, inner_wh, interpolation=cv2.INTER_AREA)
    tile[top : top + inner_wh[1], left : left + inner_wh[0]] = resized
    return tile
