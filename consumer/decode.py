"""JPEG to model input: the header is checked first, then decoded at a scale fit for the model."""

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from contracts.errors import InvalidRecord
from contracts.jpegs import checked_jpeg_size
from runtime.errors import InvalidInput

_ENOUGH = 0.96
"""A frame is decoded at the smallest scale that keeps this share of the model's height and width:
576 lines at half scale are 288, near enough to the 300 of an SSD."""


class BadFrame(InvalidInput):
    """The bytes are no JPEG, or one that must not be decoded."""


def frame_size_wh(jpeg: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels from the header alone.

    Raises BadFrame if the bytes are no JPEG, or one that costs too much (`contracts.jpegs`).
    """
    try:
        return checked_jpeg_size(jpeg)
    except InvalidRecord as error:
        raise BadFrame(str(error)) from error


def decode_into(jpeg: bytes, image: NDArray[np.uint8]) -> None:
    """Decode one JPEG, which `frame_size_wh` has taken, into a model input.

    `image` is filled as RGB, shape (height, width, 3), uint8: resized without keeping the aspect
    ratio, as SSD was trained. Raises BadFrame for damaged content.
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
