"""Writes a decoded picture as JPEG, straight from its planes where the colours allow it."""

from collections.abc import Iterable

import cv2
import numpy as np
import simplejpeg
from av import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

from contracts.frames import MAX_FRAME_PX
from producer.ranges import CHROMA_TO_FULL, LUMA_TO_FULL

Plane = NDArray[np.uint8]

_FALLBACK_QUALITIES = (70, 50, 30, 10)
_PLANAR_420 = frozenset({"yuv420p", "yuvj420p"})
_JPEG_MATRICES = frozenset({2, 5, 6})
"""AVCOL_SPC_UNSPECIFIED (BT.601 to swscale too), BT470BG and SMPTE170M: the matrix of JFIF.
BT.709 planes written as they are come out 5 to 8 dB worse (measured), so they go through BGR."""


class JpegEncoder:
    """Encodes the pictures of one stream; it keeps a scaler, so one thread a time may use it."""

    def __init__(self, quality: int, max_width: int | None, max_bytes: int) -> None:
        self._qualities = (quality, *(q for q in _FALLBACK_QUALITIES if q < quality))
        self._max_width = max_width
        self._max_bytes = max_bytes
        self._scaler = VideoReformatter()
        self._converter = VideoReformatter()

    def encode(self, picture: VideoFrame) -> tuple[bytes, tuple[int, int]] | None:
        """Return the JPEG (BT.601, full range, 4:2:0) and its (width, height) in pixels.

        A picture that does not fit into `max_bytes` is encoded again at lower qualities; None if it
        fits at none, or holds more than MAX_FRAME_PX pixels, which nobody would decode.
        """
        scaled = self._scaled(picture)
        if scaled.width * scaled.height > MAX_FRAME_PX:
            return None
        for jpeg in self._attempts(scaled):
            if len(jpeg) <= self._max_bytes:
                return jpeg, (scaled.width, scaled.height)
        return None

    def _scaled(self, picture: VideoFrame) -> VideoFrame:
        size_wh = target_size((picture.width, picture.height), self._max_width)
        if size_wh == (picture.width, picture.height):
            return picture
        # One thread: the default starts one a core, for each camera.
        return self._scaler.reformat(picture, *size_wh, threads=1)

    def _attempts(self, picture: VideoFrame) -> Iterable[bytes]:
        if picture.format.name in _PLANAR_420 and picture.colorspace in _JPEG_MATRICES:
            planes = _full_range_planes(picture)
            for quality in self._qualities:
                yield simplejpeg.encode_jpeg_yuv_planes(*planes, quality=quality)
            return
        bgr = self._bgr(picture)
        for quality in self._qualities:
            yield simplejpeg.encode_jpeg(bgr, quality, "BGR", "420")

    def _bgr(self, picture: VideoFrame) -> Plane:
        converted = self._converter.reformat(picture, format="bgr24", threads=1)
        pixels = _plane_view(converted.planes[0], bytes_per_pixel=3)
        return np.ascontiguousarray(pixels).reshape(converted.height, converted.width, 3)


def target_size(size_wh: tuple[int, int], max_width: int | None) -> tuple[int, int]:
    """Return the (width, height) to publish: unchanged if narrow enough, else scaled, both even."""
    width, height = size_wh
    if max_width is None or width <= max_width:
        return size_wh
    new_width = max_width - max_width % 2
    return new_width, max(2, round(height * new_width / width / 2) * 2)


def luma_plane(picture: VideoFrame) -> Plane:
    """Return a view of the first plane, shape (height, width), uint8, without its padding.

    For planar formats of 8 bits that is the luma; for others it is good to tell change by.
    """
    return _plane_view(picture.planes[0])


def _full_range_planes(picture: VideoFrame) -> tuple[Plane, Plane, Plane]:
    y, u, v = (_plane_view(plane) for plane in picture.planes)
    if picture.format.name == "yuvj420p" or picture.color_range == ColorRange.JPEG:
        return y, u, v
    return (
        _mapped(y, LUMA_TO_FULL),
        _mapped(u, CHROMA_TO_FULL),
        _mapped(v, CHROMA_TO_FULL),
    )


def _mapped(plane: Plane, table: Plane) -> Plane:
    mapped: Plane = np.asarray(cv2.LUT(plane, table), np.uint8)
    return mapped


def _plane_view(plane: VideoPlane, bytes_per_pixel: int = 1) -> Plane:
    """Return a view of a plane; a row in memory (`line_size`) is often longer than the picture."""
    rows: Plane = np.frombuffer(memoryview(plane), np.uint8)
    return rows.reshape(plane.height, plane.line_size)[:, : plane.width * bytes_per_pixel]
