"""A published picture looks like the decoded one, whatever its planes, range, colours and size."""

import av
import cv2
import numpy as np
import pytest
import simplejpeg
from av.video.reformatter import ColorRange, Colorspace
from numpy.typing import NDArray

from producer.jpeg import JpegEncoder, luma_plane, target_size
from producer.ranges import CHROMA_TO_FULL, LUMA_TO_FULL
from tests.unit.producer_fakes import scene

LIMITED, FULL = ColorRange.MPEG, ColorRange.JPEG
MAX_BYTES = 4 * 1024 * 1024


def picture_in(
    size_wh: tuple[int, int], pixel_format: str, matrix: Colorspace, color_range: ColorRange
) -> av.VideoFrame:
    rgb = av.VideoFrame.from_ndarray(scene(*size_wh), format="rgb24")
    return rgb.reformat(
        format=pixel_format, dst_colorspace=matrix.value, dst_color_range=color_range.value
    )


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(cv2.PSNR(one, other))


def published(picture: av.VideoFrame, max_width: int | None = None) -> NDArray[np.uint8]:
    encoded = JpegEncoder(90, max_width, MAX_BYTES).encode(picture)
    assert encoded is not None
    jpeg, (width, height) = encoded
    rgb: NDArray[np.uint8] = simplejpeg.decode_jpeg(jpeg)
    assert rgb.shape == (height, width, 3)
    return rgb


@pytest.mark.parametrize("size_wh", [(768, 576), (641, 361), (1920, 1080)])
@pytest.mark.parametrize(
    ("pixel_format", "matrix", "color_range"),
    [
        ("yuv420p", Colorspace.ITU601, LIMITED),
        ("yuv420p", Colorspace.ITU601, FULL),
        ("yuvj420p", Colorspace.ITU601, FULL),
        ("yuv420p", Colorspace.ITU709, LIMITED),
        ("yuvj420p", Colorspace.ITU709, FULL),
        ("yuv444p", Colorspace.ITU601, LIMITED),
        ("yuvj444p", Colorspace.ITU709, FULL),
        ("yuv422p", Colorspace.ITU601, LIMITED),
        ("yuv420p10le", Colorspace.ITU709, LIMITED),
        ("nv12", Colorspace.ITU601, LIMITED),
    ],
)
def test_a_published_picture_is_faithful_to_the_decoded_one(
    size_wh: tuple[int, int], pixel_format: str, matrix: Colorspace, color_range: ColorRange
) -> None:
    picture = picture_in(size_wh, pixel_format, matrix, color_range)
    decoded_rgb = picture.to_ndarray(format="rgb24").astype(np.uint8)
    assert psnr(published(picture), decoded_rgb) >= 36


def test_a_grey_picture_is_published() -> None:
    picture = picture_in((64, 48), "gray", Colorspace.ITU601, FULL)
    assert published(picture).shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("size_wh", "max_width", "expected"),
    [
        ((1920, 1080), None, (1920, 1080)),
        ((641, 361), 1920, (641, 361)),
        ((641, 361), 641, (641, 361)),
        ((1920, 1080), 1280, (1280, 720)),
        ((1920, 1080), 641, (640, 360)),
        ((641, 361), 320, (320, 180)),
        ((4000, 10), 16, (16, 2)),
    ],
)
def test_a_wide_picture_is_scaled_to_even_sizes_that_keep_its_aspect(
    size_wh: tuple[int, int], max_width: int | None, expected: tuple[int, int]
) -> None:
    assert target_size(size_wh, max_width) == expected


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
def test_a_scaled_picture_is_faithful(pixel_format: str) -> None:
    picture = picture_in((768, 576), pixel_format, Colorspace.ITU601, LIMITED)
    wanted = cv2.resize(scene(768, 576), (384, 288), interpolation=cv2.INTER_AREA)
    assert psnr(published(picture, max_width=384), np.asarray(wanted, np.uint8)) >= 33


def test_the_encoder_follows_a_camera_that_changes_its_size() -> None:
    encoder = JpegEncoder(85, 320, MAX_BYTES)
    sizes = []
    for size_wh in ((768, 576), (641, 361), (200, 100)):
        picture = picture_in(size_wh, "yuv420p", Colorspace.ITU601, LIMITED)
        encoded = encoder.encode(picture)
        assert encoded is not None
        sizes.append(encoded[1])
    assert sizes == [(320, 240), (320, 180), (200, 100)]


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
def test_a_picture_that_is_too_large_is_encoded_at_a_lower_quality(pixel_format: str) -> None:
    picture = picture_in((768, 576), pixel_format, Colorspace.ITU601, LIMITED)
    first = JpegEncoder(95, None, MAX_BYTES).encode(picture)
    assert first is not None
    limit = len(first[0]) - 1
    second = JpegEncoder(95, None, limit).encode(picture)
    assert second is not None
    assert len(second[0]) <= limit


def test_a_picture_that_fits_at_no_quality_is_given_up() -> None:
    picture = picture_in((768, 576), "yuv420p", Colorspace.ITU601, LIMITED)
    assert JpegEncoder(5, None, 100).encode(picture) is None


def test_the_luma_plane_has_no_padding() -> None:
    picture = picture_in((641, 361), "yuv420p", Colorspace.ITU601, LIMITED)
    assert picture.planes[0].line_size > 641
    assert luma_plane(picture).shape == (361, 641)


def test_the_tables_stretch_video_range_to_the_whole_byte() -> None:
    assert (LUMA_TO_FULL[16], LUMA_TO_FULL[235], LUMA_TO_FULL[255]) == (0, 255, 255)
    assert (CHROMA_TO_FULL[128], CHROMA_TO_FULL[0], CHROMA_TO_FULL[240]) == (128, 0, 255)
