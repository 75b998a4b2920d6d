"""JPEG in and out, refusing what is none or what would fill the memory."""

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from runtime.errors import InvalidInput

MAX_SIDE_PX = 8192


def decode_jpeg(jpeg: bytes, max_px: int) -> NDArray[np.uint8]:
    """Return the picture as RGB, shape (height, width, 3), uint8.

    Raises InvalidInput if the bytes are no whole JPEG, or if its header, which is read before
    anything is decoded, tells of more than `max_px` pixels or of a side above MAX_SIDE_PX.
    """
    try:
        height, width, _, _ = simplejpeg.decode_jpeg_header(jpeg)
        if max(height, width) > MAX_SIDE_PX or height * width > max_px:
            raise InvalidInput(
                f"picture of {width}x{height} pixels: expected {max_px} or fewer, "
                f"and sides of at most {MAX_SIDE_PX}"
            )
        image: NDArray[np.uint8] = simplejpeg.decode_jpeg(jpeg, "RGB")
    except ValueError as error:
        raise InvalidInput(f"not a whole JPEG: {error}") from error
    return image


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Return an RGB picture, shape (height, width, 3), uint8, as JPEG; quality on libjpeg's scale.

    Colour is kept at full resolution: halved, thin coloured lines and letters on colour bleed.
    """
    jpeg: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(image), quality, "RGB", colorsubsampling="444"
    )
    return jpeg
