"""The record of `frames.<stream_id>`: the JPEG as value, all else in headers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

import msgspec

from contracts.errors import InvalidRecord

FRAME_VERSION = 1
MAX_HEADER_BYTES = 4096
"""No header of ours comes near; a longer one is refused before it is parsed."""
MAX_FRAME_PX = 64_000_000
"""Above any surveillance camera (8K UHD is 33 megapixels); a larger picture is never decoded."""

Clock = Literal["rtcp", "arrival"]
DropReason = Literal["paced", "backlog", "corrupt", "frozen", "oversized", "undelivered"]
Headers = Sequence[tuple[str, bytes | None]]

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_T = TypeVar("_T")
_drops_decoder = msgspec.json.Decoder(dict[str, int])


@dataclass(frozen=True, slots=True)
class FrameHeaders:
    """What is known of one published frame.

    `session` is new at each connection to the camera; `seq` counts the frames that the source
    delivered in that session before this one; `captured_ns` is in nanoseconds since the epoch, by
    `clock`; `size_wh` is in pixels; `dropped` counts, by reason, the captured frames since the last
    published one that were not published.
    """

    session: str
    seq: int
    captured_ns: int
    clock: Clock
    size_wh: tuple[int, int]
    dropped: Mapping[str, int] = field(default_factory=dict)
    traceparent: str | None = None

    def encode(self) -> list[tuple[str, bytes]]:
        """Return the headers as Kafka carries them."""
        headers = [
            ("v", b"%d" % FRAME_VERSION),
            ("session", self.session.encode()),
            ("seq", b"%d" % self.seq),
            ("captured-ns", b"%d" % self.captured_ns),
            ("clock", self.clock.encode()),
            ("size", b"%dx%d" % self.size_wh),
            ("dropped", msgspec.json.encode(dict(self.dropped))),
        ]
        if self.traceparent is not None:
            headers.append(("traceparent", self.traceparent.encode()))
        return headers

    @classmethod
    def decode(cls, headers: Headers) -> "FrameHeaders":
        """Read the headers of a record; raise InvalidRecord naming the first wrong one."""
        texts = _texts(headers)
        version = _read(texts, "v", _natural)
        if version != FRAME_VERSION:
            raise InvalidRecord(f"header 'v' is {version}: expected {FRAME_VERSION}")
        return cls(
            session=_read(texts, "session", str),
            seq=_read(texts, "seq", _natural),
            captured_ns=_read(texts, "captured-ns", _natural),
            clock=_read(texts, "clock", _clock),
            size_wh=_read(texts, "size", _size),
            dropped=_read(texts, "dropped", _drops),
            traceparent=texts.get("traceparent"),
        )


def _texts(headers: Headers) -> dict[str, str]:
    texts = {}
    for name, value in headers:
        if value is None or len(value) > MAX_HEADER_BYTES:
            raise InvalidRecord(f"header {name!r}: expected 1 to {MAX_HEADER_BYTES} bytes")
        texts[name] = value.decode("utf-8", "replace")
    return texts


def _read(texts: Mapping[str, str], name: str, parse: Callable[[str], _T]) -> _T:
    if name not in texts:
        raise InvalidRecord(f"header {name!r} is missing")
    try:
        return parse(texts[name])
    except (ValueError, msgspec.MsgspecError) as error:
        raise InvalidRecord(f"header {name!r} is {texts[name][:80]!r}: {error}") from error


def _natural(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise ValueError("expected a number of at most 19 digits")
    return int(text)


def _clock(text: str) -> Clock:
    if text not in get_args(Clock):
        raise ValueError(f"expected one of {', '.join(get_args(Clock))}")
    return "rtcp" if text == "rtcp" else "arrival"


def _size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("expected <width>x<height> in pixels")
    return int(match[1]), int(match[2])


def _drops(text: str) -> dict[str, int]:
    drops = _drops_decoder.decode(text)
    if any(count < 0 for count in drops.values()):
        raise ValueError("expected counts of 0 or more")
    return drops
