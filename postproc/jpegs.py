"""JPEG in and out, refusing what is none or what would fill the memory."""

import math

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from contracts.errors import InvalidRecord
from contracts.jpegs import checked_jpeg_size
from runtime.errors import InvalidInput

MAX_SIDE_PX = 8192


def decode_jpeg(jpeg: bytes, max_px: int) -> NDArray[np.uint8]:
    """Return the picture as RGB, shape (height, width, 3), uint8.

    One of more than `max_px` pixels, or with a side above MAX_SIDE_PX, is scaled down to fit.
    Raises InvalidInput if the bytes are no whole JPEG, or one that costs too much to decode
    (`contracts.jpegs`), which is known before anything is decoded.
    """
    try:
        fit_wh = fitting_size(checked_jpeg_size(jpeg), max_px)
        image: NDArray[np.uint8] = simplejpeg.decode_jpeg(
            jpeg, "RGB", min_width=fit_wh[0], min_height=fit_wh[1]
        )
    except (InvalidRecord, ValueError) as error:
        raise InvalidInput(f"not a whole JPEG: {error}") from error
    if image.shape[1::-1] == fit_wh:
        return image
    return np.asarray(cv2.resize(image, fit_wh, interpolation=cv2.INTER_AREA), np.uint8)


def fitting_size(size_wh: tuple[int, int], max_px: int) -> tuple[int, int]:
    """Return the (width, height) in pixels to draw at: unchanged if small enough, else in shape."""
    width, height = size_wh
    scale = min(1.0, math.sqrt(max_px / (width * height)), MAX_SIDE_PX / max(width, height))
    return max(1, int(width * scale)), max(1, int(height * scale))


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Return an RGB picture, shape (height, width, 3), uint8, as JPEG; quality on libjpeg's scale.

    Colour is kept at full resolution: halved, thin coloured lines and letters on colour bleed.
    """
    jpeg: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(image), quality, "RGB", colorsubsampling="444"
    )
    return jpeg
