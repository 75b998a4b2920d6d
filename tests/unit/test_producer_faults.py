"""FFmpeg's errors are told in a person's words, and never with the URL's password."""

import errno

import av
import pytest
from av.error import FFmpegError

from producer.camera import Camera
from producer.camera_faults import CameraFault, fault_of

URL = "rtsp://viewer:hush@127.0.0.1:1/live"


def ffmpeg_error(tag: bytes | int) -> FFmpegError:
    code = tag if isinstance(tag, int) else av.error.tag_to_code(tag)
    kind = av.error.classes.get(code, FFmpegError)
    error: FFmpegError = kind(code, "message", URL)  # type: ignore[operator]
    return error


@pytest.mark.parametrize(
    ("tag", "is_open", "told", "needs_a_person"),
    [
        (b"\xf8401", False, "refused the user or password", True),
        (b"\xf8403", False, "403 Forbidden", True),
        (b"\xf8404", False, "no such path", False),
        (errno.ECONNREFUSED, False, "connection refused", False),
        (errno.ECONNRESET, True, "connection reset", False),
        (b"EXIT", True, "stalled", False),
        (b"EXIT", False, "no answer within connect_timeout_s", False),
        (errno.ETIMEDOUT, False, "no answer within connect_timeout_s", False),
        (b"INDA", False, "no usable answer", False),
        (errno.EIO, True, "connection broken", False),
    ],
)
def test_an_error_is_told_in_words_without_the_url(
    tag: bytes | int, is_open: bool, told: str, needs_a_person: bool
) -> None:
    fault = fault_of(ffmpeg_error(tag), URL, is_open)
    assert told in str(fault)
    assert fault.needs_a_person is needs_a_person
    assert "hush" not in str(fault)


def test_an_unknown_host_is_named() -> None:
    url = "rtsp://viewer:hush@no-such-host.invalid/live"
    with pytest.raises(CameraFault, match=r"unknown host no-such-host\.invalid") as lost:
        Camera(url, 5, 4)
    assert "hush" not in str(lost.value)
    assert lost.value.__cause__ is None
    assert lost.value.__suppress_context__


def test_a_refused_connection_is_named() -> None:
    with pytest.raises(CameraFault, match="connection refused"):
        Camera(URL, 5, 4)
