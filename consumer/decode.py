"""JPEG to model input: the header is checked first, then decoded at a scale fit for the model."""

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from contracts.frames import MAX_FRAME_PX
from runtime.errors import InvalidInput

_ENOUGH = 0.96
"""A frame is decoded at the smallest scale that keeps this share of the model's height and width:
576 lines at half scale are 288, near enough to the 300 of an SSD."""


class BadFrame(InvalidInput):
    """The bytes are no JPEG, or one that must not be decoded."""


def frame_size_wh(jpeg: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels from the header alone.

    Raises BadFrame if the bytes are no JPEG or hold more than MAX_FRAME_PX pixels.
    """
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(jpeg)
    except ValueError as error:
        raise BadFrame(f"no JPEG: {error}") from error
    if width * height > MAX_FRAME_PX:
        raise BadFrame(f"{width}x{height} pixels: more than {MAX_FRAME_PX} are not decoded")
    return width, height


def decode_into(jpeg: bytes, image: NDArray[np.uint8]) -> None:
    """Decode one JPEG into a model input.

    `image` is filled as RGB, shape (height, width, 3), uint8: resized without keeping the aspect
    ratio, as SSD was trained. Raises BadFrame as `frame_size_wh` does, and for damaged content.
    """
    height, width = image.shape[:2]
    try:
        pixels = simplejpeg.decode_jpeg(
            jpeg,
            colorspace="RGB",
            fastdct=True,
            fastupsample=True,
            min_height=int(height * _ENOUGH),
            min_width=int(width * _ENOUGH),
        )
    except ValueError as error:
        raise BadFrame(f"damaged JPEG: {error}") from error
    cv2.resize(pixels, (width, height), dst=image, interpolation=cv2.INTER_LINEAR)
