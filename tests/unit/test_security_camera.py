"""A camera that sends pictures of absurd sizes costs no more than its own frames."""

from pathlib import Path

import av
import numpy as np
import simplejpeg

from contracts.frames import MAX_FRAME_PX
from producer.camera import Camera
from producer.jpeg import JpegEncoder

HUGE_PX = 8192
SIDE_PX = 320


def jpeg_of(side_px: int) -> bytes:
    jpeg: bytes = simplejpeg.encode_jpeg(np.zeros((side_px, side_px, 3), np.uint8), 80)
    return jpeg


def test_frames_above_the_limit_are_not_decoded_and_those_after_them_are(tmp_path: Path) -> None:
    assert HUGE_PX * HUGE_PX > MAX_FRAME_PX
    clip = tmp_path / "clip.mjpeg"
    clip.write_bytes(jpeg_of(SIDE_PX) * 20 + jpeg_of(HUGE_PX) * 2 + jpeg_of(SIDE_PX) * 20)
    camera = Camera(str(clip), connect_timeout_s=5, stall_timeout_s=4)
    try:
        frames = [frame for received in camera.packets() for frame in received.frames]
    finally:
        camera.close()
    sizes = [None if frame.picture is None else frame.picture.width for frame in frames]
    assert sizes == [SIDE_PX] * 20 + [None] * 2 + [SIDE_PX] * 20
    assert [frame.is_corrupt for frame in frames] == [size is None for size in sizes]


def test_a_picture_that_nobody_would_decode_is_not_published() -> None:
    picture = av.VideoFrame(HUGE_PX, HUGE_PX, "yuv420p")
    assert JpegEncoder(85, None, 2**30).encode(picture) is None
    assert JpegEncoder(85, 640, 2**30).encode(picture) is not None
