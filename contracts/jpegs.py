"""Which JPEGs are decoded, told from their markers before decoding: those whose cost is bounded."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.errors import InvalidRecord
from contracts.frames import MAX_FRAME_PX

MAX_STORED_PX = 9_000_000
"""Of a JPEG in several scans, such as a progressive one: libjpeg keeps all its coefficients until
the last scan. 64 megapixels took 414 MB (measured); 4096x2160, the most taken, 6 bytes a pixel."""
MAX_SCANS = 64
"""libjpeg goes over the whole picture at each scan, and a scan may take 14 bytes: a file of 680 KB
with 2647 of them took 33 s (measured). Encoders write 10, and 18 at most (libjpeg's jcparam.c)."""
MAX_SEGMENTS = 4096
"""Before the first scan; cameras and editors write some tens. 64 of them hold 4 MiB."""

_START = b"\xff\xd8"
_SCAN = 0xDA
_SEGMENT = re.compile(rb"\xff+([\x02-\xcf\xda-\xfe])(..)", re.DOTALL)
"""A marker, which any number of ff may fill up, and its length. Others have no place up there."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""SOF0 to SOF15, without the tables, the reserved one and the conditioning that lie between."""
_TAKEN = (0xC0, 0xC1, 0xC2)
"""Baseline, extended and progressive with Huffman codes. An arithmetic decoder needs no data to
fill any number of pixels, and no camera writes that or any other kind."""
_PROGRESSIVE = 0xC2
_HEADER = struct.Struct(">BHHB")
"""Precision in bits, height, width, components. Source: ITU-T T.81, B.2.2."""


@dataclass(frozen=True, slots=True)
class _Frame:
    marker: int
    size_wh: tuple[int, int]
    components: int


def checked_jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels of a JPEG that may be decoded.

    Raises InvalidRecord, saying why, for bytes that are no JPEG, for a kind that no camera writes,
    and for one that would take more memory or time than MAX_FRAME_PX ordinary pixels do.
    """
    frame: _Frame | None = None
    for marker, body in _segments(jpeg):
        if marker in _FRAMES:
            if frame is not None:
                raise InvalidRecord("no JPEG: it has two frame headers")
            frame = _frame(marker, body)
        elif marker == _SCAN:
            if frame is None or not body:
                raise InvalidRecord("no JPEG: its first scan has no header")
            _check_cost(jpeg, frame, scanned=body[0])
            return frame.size_wh
    raise InvalidRecord(f"no JPEG: no picture within its first {MAX_SEGMENTS} segments")


def _segments(jpeg: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each marker and what belongs to it, as libjpeg reads them, until the data ends."""
    if not jpeg.startswith(_START):
        raise InvalidRecord("no JPEG: it does not begin as one")
    at = len(_START)
    for _ in range(MAX_SEGMENTS):
        found = _SEGMENT.match(jpeg, at)
        if found is None:
            raise InvalidRecord(f"no JPEG: no segment begins at byte {at}")
        begin, at = found.end(), found.start(2) + int.from_bytes(found[2])
        if not begin <= at <= len(jpeg):
            raise InvalidRecord(f"no JPEG: the segment before byte {begin} is cut short")
        yield found[1][0], jpeg[begin:at]


def _frame(marker: int, body: bytes) -> _Frame:
    if len(body) < _HEADER.size:
        raise InvalidRecord("no JPEG: its frame header is cut short")
    bits, height, width, components = _HEADER.unpack_from(body)
    if marker not in _TAKEN or bits != 8 or components not in (1, 3):
        raise InvalidRecord(
            f"JPEG of kind SOF{marker - 0xC0} with {components} components of {bits} bits: only "
            "baseline and progressive ones, grey or in three colours of 8 bits, are decoded"
        )
    if height < 1 or width < 1:
        raise InvalidRecord(f"no JPEG: it is {width}x{height} pixels")
    return _Frame(marker, (width, height), components)


def _check_cost(jpeg: bytes, frame: _Frame, scanned: int) -> None:
    width, height = frame.size_wh
    if width * height > MAX_FRAME_PX:
        raise InvalidRecord(f"{width}x{height} pixels: more than {MAX_FRAME_PX} are not decoded")
    if frame.marker != _PROGRESSIVE and scanned == frame.components:
        return  # everything is in this one scan, and libjpeg refuses another
    if width * height > MAX_STORED_PX:
        raise InvalidRecord(
            f"{width}x{height} pixels in several scans: more than {MAX_STORED_PX} are not decoded"
        )
    # Every scan has these two bytes; a thumbnail among the comments may add one or two.
    scans = jpeg.count(b"\xff\xda")
    if scans > MAX_SCANS:
        raise InvalidRecord(f"{scans} scans: more than {MAX_SCANS} are not decoded")
