"""The record of `frames.<stream_id>`: the JPEG as value, all else in headers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

import msgspec

from contracts.coordinates import Coordinates
from contracts.errors import InvalidRecord

FRAME_VERSION = 1
MAX_HEADER_BYTES = 4096
"""No header of ours comes near; a longer one is refused before it is parsed."""
MAX_FRAME_PX = 64_000_000
"""Above any surveillance camera (8K UHD is 33 megapixels); a larger picture is never decoded."""
REPLAY_OF = "replay-of"
"""Header of a record that was put back: the coordinates of the one that had been refused."""

Clock = Literal["rtcp", "arrival"]
DropReason = Literal[
    "paced", "overload", "backlog", "corrupt", "frozen", "oversized", "undelivered"
]
Headers = Sequence[tuple[str, bytes | None]]

MAX_NUMBER = 2**63 - 1
"""Offsets, times in nanoseconds and counts: what readers in other languages hold as a long."""

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})", re.ASCII)
_DROP_REASON = re.compile(r"[a-z][a-z_-]{0,31}")
_MAX_DROP_REASONS = 32
_T = TypeVar("_T")
_drops_decoder = msgspec.json.Decoder(dict[str, int])


@dataclass(frozen=True, slots=True)
class FrameHeaders:
    """What is known of one published frame.

    `session` is new at each connection to the camera; `seq` counts the frames that the source
    delivered in that session before this one; `captured_ns` is in nanoseconds since the epoch, by
    `clock`; `size_wh` is in pixels; `dropped` counts, by reason, the captured frames since the last
    published one that were not published. `traceparent`, of a traced frame, is the context of the
    span that published it (W3C Trace Context). A frame that was put back from the dead letters says
    in `replay_of` which record it repeats: all else tells of that first time.
    """

    session: str
    seq: int
    captured_ns: int
    clock: Clock
    size_wh: tuple[int, int]
    dropped: Mapping[str, int] = field(default_factory=dict)
    traceparent: str | None = None
    replay_of: Coordinates | None = None

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
        if self.replay_of is not None:
            headers.append((REPLAY_OF, str(self.replay_of).encode()))
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
            replay_of=_read(texts, REPLAY_OF, Coordinates.parse) if REPLAY_OF in texts else None,
        )


def is_replay(headers: Headers) -> bool:
    """Return whether a record says that it was put back, even if its other headers are broken."""
    return any(name == REPLAY_OF for name, _ in headers)


def _texts(headers: Headers) -> dict[str, str]:
    texts = {}
    for name, value in headers:
        if value is None or len(value) > MAX_HEADER_BYTES:
            raise InvalidRecord(f"header {name[:80]!r}: expected 1 to {MAX_HEADER_BYTES} bytes")
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
    if int(text) > MAX_NUMBER:
        raise ValueError(f"expected a number of at most {MAX_NUMBER}")
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
    if not all(0 <= count <= MAX_NUMBER for count in drops.values()):
        raise ValueError("expected counts of 0 or more, in 64 bits")
    # They are printed and counted by name: later versions may add words, but nothing else.
    if len(drops) > _MAX_DROP_REASONS or not all(map(_DROP_REASON.fullmatch, drops)):
        raise ValueError(f"expected at most {_MAX_DROP_REASONS} reasons of a-z, '_' and '-'")
    return drops
