"""From a result to the bytes that are stored: JPEG limits, caption, metadata, keys."""

import msgspec
import numpy as np
import pytest
import simplejpeg

from contracts.results import Detection, EvidenceFrame, encode_result
from postproc.jpegs import decode_jpeg, encode_jpeg, fitting_size
from postproc.pictures import PictureLimits, caption, capture_time, draw_picture, fitted, scale_note
from postproc.results import read_result
from runtime.errors import InvalidInput
from tests.postproc_results import CAPTURED_NS, PERSON, batch_result, jpeg_of

LIMITS = PictureLimits(max_px=1_000_000, jpeg_quality=90)


def test_a_picture_carries_the_key_and_the_way_back_to_its_frame() -> None:
    result = batch_result(first_offset=50)
    picture = draw_picture(result, result.frames[0], result.evidence[0], LIMITS)
    assert picture.key == "evidence/cam1/2025/11/22/frames.cam1-0-00000000000000000050/50.jpg"
    assert picture.metadata["batch-id"] == result.batch_id
    assert picture.metadata["offset"] == "50"
    height, width, _, _ = simplejpeg.decode_jpeg_header(picture.jpeg)
    assert width == 64
    assert height > 48


def test_the_same_result_gives_the_same_bytes_so_that_a_retry_overwrites_itself() -> None:
    result = batch_result()
    frame, chosen = result.frames[0], result.evidence[0]
    assert draw_picture(result, frame, chosen, LIMITS) == draw_picture(
        result, frame, chosen, LIMITS
    )


def test_the_caption_tells_stream_time_model_count_and_batch() -> None:
    result = batch_result()
    assert caption(result, result.frames[0]) == [
        "cam1",
        "2025-11-22 17:20:01.234 UTC",
        "ssd_mobilenet/2",
        "1 detection",
        "frames.cam1-0-00000000000000000000",
    ]


def test_a_frame_that_reached_no_model_says_so() -> None:
    result = batch_result(detections=())
    frame = msgspec.structs.replace(result.frames[0], not_inferred="damaged JPEG")
    assert caption(result, frame)[3] == "not inferred: damaged JPEG"


def test_milliseconds_are_cut_not_rounded_into_the_next_second() -> None:
    assert capture_time(1_999_999_999) == "1970-01-01 00:00:01.999 UTC"


def test_boxes_follow_a_picture_that_is_a_smaller_copy_of_its_frame() -> None:
    halved = fitted([PERSON], (640, 480), (320, 240))
    assert halved == [Detection((5.0, 6.0, 15.0, 20.0), 0.87, 1, "person")]


@pytest.mark.parametrize("jpeg", [b"", b"no jpeg", b"\xff\xd8\xff\xe0", jpeg_of()[:200]])
def test_bytes_that_are_no_whole_jpeg_are_refused(jpeg: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a whole JPEG"):
        decode_jpeg(jpeg, 1_000_000)


def test_a_header_that_promises_too_many_pixels_is_refused_before_decoding() -> None:
    jpeg = bytearray(jpeg_of())
    at = jpeg.index(b"\xff\xc0")  # start of frame: length (2), precision (1), height, width
    jpeg[at + 5 : at + 9] = (60_000).to_bytes(2, "big") * 2
    with pytest.raises(InvalidInput, match="60000x60000"):
        decode_jpeg(bytes(jpeg), 10**12)


def test_a_picture_above_the_limit_is_drawn_scaled_down() -> None:
    result = batch_result(evidence_jpegs=[jpeg_of(64, 48)])
    limits = PictureLimits(max_px=32 * 24, jpeg_quality=90)
    drawn = draw_picture(result, result.frames[0], result.evidence[0], limits)
    assert simplejpeg.decode_jpeg_header(drawn.jpeg)[1] == 32


def test_the_caption_of_a_smaller_copy_says_so() -> None:
    assert scale_note((64, 48), (64, 48)) == []
    assert scale_note((64, 48), (32, 24)) == ["64x48 shown as 32x24"]


@pytest.mark.parametrize(
    ("size_wh", "fit_wh"),
    [
        ((4096, 4096), (4096, 4096)),
        ((8000, 8000), (4096, 4096)),
        ((9000, 100), (8192, 91)),
        ((60_000, 1), (8192, 1)),
    ],
)
def test_a_picture_is_drawn_no_larger_than_may_be_and_in_its_shape(
    size_wh: tuple[int, int], fit_wh: tuple[int, int]
) -> None:
    assert fitting_size(size_wh, 4096 * 4096) == fit_wh


def test_a_grey_jpeg_becomes_rgb() -> None:
    grey = simplejpeg.encode_jpeg(np.full((48, 64, 1), 77, np.uint8), 90, "GRAY", "Gray")
    assert decode_jpeg(grey, 10_000).shape == (48, 64, 3)


def test_encoding_keeps_the_picture() -> None:
    image = np.full((48, 64, 3), (200, 100, 50), np.uint8)
    decoded = decode_jpeg(encode_jpeg(image, 90), 10_000)
    assert np.abs(decoded.astype(int) - image).max() <= 3


def test_a_valid_result_is_read() -> None:
    result = batch_result()
    assert read_result(encode_result(result)) == result


def test_a_result_that_would_write_elsewhere_in_the_bucket_is_refused() -> None:
    result = batch_result()
    astray = EvidenceFrame(0, "evidence/cam2/other.jpg", jpeg_of())
    value = encode_result(msgspec.structs.replace(result, evidence=(astray,)))
    with pytest.raises(InvalidInput, match=r"evidence key is 'evidence/cam2/other\.jpg'"):
        read_result(value)


def test_a_result_under_the_name_of_another_stream_is_refused() -> None:
    value = encode_result(msgspec.structs.replace(batch_result(), stream_id="cam2"))
    with pytest.raises(InvalidInput, match="stream_id is 'cam2'"):
        read_result(value)


def test_a_capture_time_beyond_the_calendar_is_refused() -> None:
    result = batch_result()
    frames = tuple(
        msgspec.structs.replace(frame, captured_ns=CAPTURED_NS * 10**9) for frame in result.frames
    )
    with pytest.raises(InvalidInput, match="captured_ns"):
        read_result(encode_result(msgspec.structs.replace(result, frames=frames)))


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[]", b"\xff", b'{"v": 2}'])
def test_a_record_that_is_no_result_is_refused(value: bytes | None) -> None:
    with pytest.raises(InvalidInput):
        read_result(value)
