"""What honest programs write: where fuzzing begins."""

from pathlib import Path

from contracts.deadletters import DeadLetter
from contracts.frames import FrameHeaders
from contracts.results import encode_result
from local.stack import CHECKOUT
from tests.jpeg_bombs import many_scans, ordinary, plane_by_plane
from tests.kafka_batches import record
from tests.postproc_results import batch_result

REGRESSIONS = Path(__file__).parent / "regressions"
"""Inputs that once failed, a folder a target."""


def lines(headers: list[tuple[str, bytes]]) -> bytes:
    return b"\n".join(name.encode() + b"=" + value for name, value in headers)


def seeds() -> dict[str, list[bytes]]:
    """Return the first inputs of each target."""
    headers = FrameHeaders("s1", 7, 1_790_000_000 * 10**9, "rtcp", (768, 576), {"paced": 2}, "00-a")
    letter = DeadLetter("frames.cam1", 0, 7, "consumer.decode", "no JPEG", 2)
    example = (CHECKOUT / "streams.example.yaml").read_bytes()
    urls = b"http://h/x,rtsp://u:p@h:1/?token=a&b rtsps://to@ken@cam/ a://:b/@c"
    return {
        "headers": [lines(headers.encode())],
        "dead_letter": [lines(letter.record(headers.encode(), None, 10_000).headers)],
        "result": [encode_result(batch_result(frame_count=2))],
        "streams_file": [example, b"streams: [{id: a, url: 'rtsp://${USER}:${PASSWORD}@h/'}]"],
        "jpeg": [ordinary(5), many_scans((64, 48), 12), plane_by_plane((16, 16))],
        "scan": [bytes((kind,)) + bytes(range(40)) for kind in range(3)],
        "records": [b"\0\2" + record(0, b"a") + record(1, b"b"), b"\1\1" + record(0, b"x" * 50)],
        "log_text": [urls],
    }


def regressions(target: str) -> list[bytes]:
    """Return what once failed in a target."""
    return [path.read_bytes() for path in sorted((REGRESSIONS / target).glob("*"))]
