"""What is fuzzed: each target takes any bytes, and fails where they do more than be refused.

A target lets the error of its contract pass and no other; a message never grows with its input.
"""

import gzip
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from consumer.decode import decode_into, frame_size_wh
from consumer.frame import FetchedFrame, FrameSource
from contracts.deadletters import DeadLetter, read_dead_letter
from contracts.errors import InvalidRecord
from contracts.frames import FrameHeaders
from contracts.names import BatchId, evidence_key
from contracts.results import encode_result
from postproc.jpegs import decode_jpeg
from postproc.results import read_result
from runtime.errors import ConfigurationError, InvalidInput
from runtime.logs import redacted
from runtime.record_batches import MAX_BATCH_RECORDS, BoundedBatch
from runtime.streams_file import parse_streams
from tests.jpeg_bombs import many_scans, ordinary, plane_by_plane
from tests.kafka_batches import batch, record

MAX_MESSAGE_CHARS = 1500
SOURCE = FrameSource("frames.cam1", 0)
HEADS = tuple(
    whole[: whole.index(b"\xff\xda") + 2 + 6 + 2 * components]
    for whole, components in (
        (ordinary(5), 3),
        (many_scans((64, 48), 12), 3),
        (plane_by_plane((64, 48)), 1),
    )
)
ENVIRONMENT = {"USER": "u", "PASSWORD": "p@ss/word"}
LIMIT_BYTES = 10_000


def refusal(read: Callable[[], object], *kinds: type[Exception]) -> str:
    """Return the message of the error that was allowed, or nothing where all went well."""
    try:
        read()
    except kinds as error:
        message = str(error)
        assert len(message) <= MAX_MESSAGE_CHARS, message
        return message
    return ""


def headers_of(given: bytes) -> list[tuple[str, bytes | None]]:
    """Make headers of lines `name=value`; a line without a sign is a header without a value."""
    lines = [line.partition(b"=") for line in given.split(b"\n")]
    return [
        (name.decode("utf-8", "replace"), value if sign else None) for name, sign, value in lines
    ]


def headers(given: bytes) -> None:
    """The headers of a frame: what is read can be written, read again, and made a key."""
    frame = FetchedFrame.read(SOURCE, 7, b"", headers_of(given), int.from_bytes(given[:8]))
    assert (frame.headers is None) == (frame.refusal is not None)
    assert len(frame.refusal or "") <= MAX_MESSAGE_CHARS
    assert evidence_key(BatchId("frames.cam1", 0, 7), 7, frame.captured_ns).isascii()
    if frame.headers is not None:
        assert FrameHeaders.decode(frame.headers.encode()) == frame.headers


def dead_letter(given: bytes) -> None:
    """Headers of a dead letter; and of any record, that its letter tells our reason."""
    found = headers_of(given)
    refusal(lambda: read_dead_letter(found), InvalidRecord)
    letter = DeadLetter("frames.cam1", 0, 7, "consumer.decode", "no JPEG")
    told = read_dead_letter(letter.record(found, given, LIMIT_BYTES).headers)
    assert isinstance(told, DeadLetter)
    assert (told.coordinates, told.stage) == (letter.coordinates, letter.stage)


def result(given: bytes) -> None:
    """A document of `results`: what is read can be written, and writes nowhere else."""

    def read() -> None:
        found = read_result(given)
        assert read_result(encode_result(found)) == found
        assert all(one.key.startswith(f"evidence/{found.stream_id}/") for one in found.evidence)

    refusal(read, InvalidInput)


def streams_file(given: bytes) -> None:
    """A streams file."""
    refusal(lambda: parse_streams(given[:4096], ENVIRONMENT), ConfigurationError)


def jpeg(given: bytes) -> None:
    """A JPEG, for both services that decode it."""
    image = np.empty((300, 300, 3), np.uint8)

    def as_consumer() -> None:
        decode_into(given, frame_size_wh(given), image)

    refusal(as_consumer, InvalidInput)
    refusal(lambda: decode_jpeg(given, 640 * 480), InvalidInput)


def scan(given: bytes) -> None:
    """What comes after the headers of an honest JPEG, which few mutations of a whole one leave so.

    The first byte chooses the kind; 0xff is escaped, or else told to be the beginning of a marker.
    """
    honest = HEADS[(given[:1] or b"\0")[0] % len(HEADS)]
    jpeg(honest + given[1:] + b"\xff\xd9")
    jpeg(honest + given[1:].replace(b"\xff", b"\xff\x00") + b"\xff\xd9")


def records(given: bytes) -> None:
    """A batch of Kafka's records, plain, compressed, or said to be."""
    codec, count, body = (given[:1] or b"\0")[0] % 8, (given[1:2] or b"\1")[0], given[2:]
    for written in (body, record(0, body), gzip.compress(body, 1) if codec == 1 else body):
        found = [*BoundedBatch(batch(written, max(count, 1), codec))]
        assert len(found) <= MAX_BATCH_RECORDS
        offsets = [one.offset for one in found if one.value is None]
        assert all(later - earlier >= 0 for earlier, later in pairwise(offsets))


def log_text(given: bytes) -> None:
    """Any text in a log: a password before a host is never shown."""
    text = given[:8192].decode("utf-8", "replace")
    assert "hunter2" not in redacted(f"{text} rtsp://admin:hunter2@192.0.2.1/live {text}")
    redacted(text)


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (headers, dead_letter, result, streams_file, jpeg, scan, records, log_text)
}
