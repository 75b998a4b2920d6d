"""JPEGs made to cost whoever decodes them far more than whoever wrote them."""

import struct
from functools import cache

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

START, END = b"\xff\xd8", b"\xff\xd9"
BASELINE, PROGRESSIVE, ARITHMETIC = 0xC0, 0xC2, 0xC9


def segment(marker: int, body: bytes = b"") -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def frame_header(marker: int, size_wh: tuple[int, int], components: int, bits: int = 8) -> bytes:
    width, height = size_wh
    planes = b"".join(bytes((number + 1, 0x11, 0)) for number in range(components))
    return segment(marker, struct.pack(">BHHB", bits, height, width, components) + planes)


def huffman_table(kind: int, symbols: list[int]) -> tuple[bytes, int]:
    """Return a table whose codes all have the same length, and that length in bits."""
    bits = len(symbols).bit_length()
    counts = [0] * 16
    counts[bits - 1] = len(symbols)
    return segment(0xC4, bytes((kind << 4, *counts, *symbols))), bits


def scan_header(
    components: list[int], coefficients: tuple[int, int], bits_hl: tuple[int, int]
) -> bytes:
    chosen = b"".join(bytes((number, 0)) for number in components)
    high, low = bits_hl
    return segment(
        0xDA, bytes((len(components),)) + chosen + bytes((*coefficients, high << 4 | low))
    )


def packed(bits: str) -> bytes:
    padded = bits + "1" * (-len(bits) % 8)
    raw = bytes(int(padded[at : at + 8], 2) for at in range(0, len(padded), 8))
    return raw.replace(b"\xff", b"\xff\x00")


def grey_blocks(size_wh: tuple[int, int]) -> int:
    return -(-size_wh[0] // 8) * -(-size_wh[1] // 8)


def many_scans(size_wh: tuple[int, int], scans: int) -> bytes:
    """Return a valid progressive JPEG, all grey: after the first, each scan says "no change" once
    for 32767 blocks."""
    blocks = grey_blocks(size_wh)
    dc_table, _ = huffman_table(0, [0])
    runs, code_bits = huffman_table(1, [length << 4 for length in range(15)])
    nothing = ""
    left = blocks
    while left:
        run = min(left, 32767)
        length = run.bit_length() - 1
        nothing += f"{length:0{code_bits}b}" + (
            f"{run - (1 << length):0{length}b}" if length else ""
        )
        left -= run
    said = packed(nothing)
    parts = [START, segment(0xDB, b"\0" + b"\1" * 64), frame_header(PROGRESSIVE, size_wh, 3)]
    parts += [dc_table, runs, scan_header([1, 2, 3], (0, 0), (0, 0)), packed("0" * 3 * blocks)]
    steps = [
        (component, at, bits)
        for component in (1, 2, 3)
        for at in range(1, 64)
        for bits in [(0, 13), *((high, high - 1) for high in range(13, 0, -1))]
    ]
    for component, at, bits in steps[: scans - 1]:
        parts += [scan_header([component], (at, at), bits), said]
    return b"".join([*parts, END])


def plane_by_plane(size_wh: tuple[int, int]) -> bytes:
    """Return a baseline JPEG, all grey, with a scan for each of its colours."""
    tables = huffman_table(0, [0])[0] + huffman_table(1, [0])[0]
    grey = packed("00" * grey_blocks(size_wh))
    head = [START, segment(0xDB, b"\0" + b"\1" * 64), frame_header(BASELINE, size_wh, 3), tables]
    scans = [scan_header([number], (0, 63), (0, 0)) + grey for number in (1, 2, 3)]
    return b"".join([*head, *scans, END])


def arithmetic(size_wh: tuple[int, int]) -> bytes:
    """Return 106 bytes that an arithmetic decoder takes for a whole picture of any size."""
    head = [START, segment(0xDB, b"\0" + b"\1" * 64), frame_header(ARITHMETIC, size_wh, 3)]
    return b"".join([*head, scan_header([1, 2, 3], (0, 63), (0, 0)), END])


def picture(size_wh: tuple[int, int] = (640, 480)) -> NDArray[np.uint8]:
    """Return a picture of soft random colours, shape (height, width, 3), uint8."""
    small = np.random.default_rng(1).integers(0, 255, (30, 40, 3), np.uint8)
    return np.ascontiguousarray(cv2.resize(small, size_wh), np.uint8)


@cache
def ordinary(quality: int = 85) -> bytes:
    jpeg: bytes = simplejpeg.encode_jpeg(picture(), quality)
    return jpeg


def changed(jpeg: bytes, marker: int, at: int, value: bytes) -> bytes:
    """Return the JPEG with other bytes at a distance from the first such marker."""
    begin = jpeg.index(bytes((0xFF, marker))) + at
    return jpeg[:begin] + value + jpeg[begin + len(value) :]


def preceded(jpeg: bytes, *segments: bytes) -> bytes:
    """Return the JPEG with segments before all of its own."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def refused() -> dict[str, bytes]:
    """Return JPEGs that must be refused, by what is wrong with them."""
    jpeg = ordinary()
    four = np.concatenate([picture(), picture()[:, :, :1]], axis=2)
    noise = np.random.default_rng(2).bytes(65_000)
    tables = jpeg[jpeg.index(b"\xff\xc4") :][: 2 + jpeg[jpeg.index(b"\xff\xc4") + 3]]
    return {
        "65500x65500 by its header": changed(jpeg, BASELINE, 5, struct.pack(">HH", 65500, 65500)),
        "64 megapixels, no data": changed(jpeg, BASELINE, 5, struct.pack(">HH", 8000, 8000)),
        "no height": changed(jpeg, BASELINE, 5, b"\0\0"),
        "2647 scans of 64 megapixels": many_scans((8000, 8000), 2647),
        "2647 scans of Full HD": many_scans((1920, 1080), 2647),
        "65 scans": many_scans((640, 480), 65),
        "progressive, 64 megapixels": many_scans((8000, 8000), 4),
        "plane by plane, 64 megapixels": plane_by_plane((8000, 8000)),
        "arithmetic coding from no data": arithmetic((8000, 8000)),
        "CMYK": simplejpeg.encode_jpeg(np.ascontiguousarray(four), colorspace="CMYK"),
        "12 bits": changed(jpeg, BASELINE, 4, b"\x0c"),
        "lossless": changed(jpeg, BASELINE, 1, b"\xc3"),
        "hierarchical": changed(jpeg, BASELINE, 1, b"\xc5"),
        "two frame headers": preceded(jpeg, frame_header(BASELINE, (8, 8), 3)),
        "cut in the middle": jpeg[: len(jpeg) // 2],
        "without its last byte": jpeg[:-2],
        "a million comments": preceded(jpeg, segment(0xFE) * 1_000_000),
        "a hundred thousand tables": preceded(jpeg, tables * 100_000),
        "4 MB of a broken ICC profile": preceded(
            jpeg, *[segment(0xE2, b"ICC_PROFILE\0" + bytes((at, 255)) + noise) for at in range(63)]
        ),
        "a segment beyond the end": preceded(jpeg, b"\xff\xe0\xff\xff")[:5000],
        "nothing": b"",
        "a start alone": START,
        "a PNG": cv2.imencode(".png", picture())[1].tobytes(),
    }


def allowed() -> dict[str, bytes]:
    """Return JPEGs that are decoded, each the worst of its kind."""
    jpeg = ordinary()
    exif = b"Exif\0\0" + np.random.default_rng(3).bytes(65_000)
    return {
        "4 MB of EXIF": preceded(jpeg, *[segment(0xE1, exif)] * 63),
        "4 MB of fill": preceded(jpeg, b"\xff" * 4_000_000),
        "progressive as encoders write it": cv2.imencode(
            ".jpg", picture(), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
        )[1].tobytes(),
        "64 scans of 9 megapixels": many_scans((3000, 3000), 64),
        "64 scans, one line of blocks": many_scans((65500, 137), 64),
        "plane by plane, 9 megapixels": plane_by_plane((3000, 3000)),
        "64 megapixels": simplejpeg.encode_jpeg(np.zeros((8000, 8000, 3), np.uint8), 90),
        "64 megapixels, a strip": simplejpeg.encode_jpeg(np.zeros((976, 65500, 3), np.uint8), 90),
    }
