"""JPEG to model input: the header is checked first, then decoded at a scale fit for the model."""

import math

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from contracts.errors import InvalidRecord
from contracts.jpegs import checked_jpeg_size
from runtime.errors import InvalidInput

_ENOUGH = 1.5
"""A frame is decoded at the smallest scale that keeps so many times the model's height and width.
The model was trained on frames resized in one step: 768x576 at half scale, 288 lines for its 300,
loses 24 % of the boxes, at full scale 4 % (`bench/accuracy.py`)."""
_QUICK_SCALES = (4, 2, 1)
"""Divisors; libjpeg-turbo has vector code for these: 7/8 takes longer than the whole."""


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


def decode_into(jpeg: bytes, frame_wh: tuple[int, int], image: NDArray[np.uint8]) -> None:
    """Decode one JPEG, whose size `frame_size_wh` has told, into a model input.

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
            **least_size(frame_wh, (width, height)),
        )
    except ValueError as error:
        raise BadFrame(f"damaged JPEG: {error}") from error
    cv2.resize(pixels, (width, height), dst=image, interpolation=cv2.INTER_LINEAR)


def least_size(frame_wh: tuple[int, int], model_wh: tuple[int, int]) -> dict[str, int]:
    """Return the size to decode a frame at, as simplejpeg wants it, in pixels."""
    for divisor in _QUICK_SCALES:
        width, height = (math.ceil(side / divisor) for side in frame_wh)
        if width >= model_wh[0] * _ENOUGH and height >= model_wh[1] * _ENOUGH:
            break
    return {"min_width": width, "min_height": height}
