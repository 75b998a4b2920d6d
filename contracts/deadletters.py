"""The records of `deadletter`: refused records as they were, headers that say why, and marks.

The topic is a log that only grows. What was done about a dead letter is a mark: a record of its own
that names the letter's offset. The last mark of a letter holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from contracts.coordinates import Coordinates
from contracts.errors import InvalidRecord
from contracts.frames import REPLAY_OF, Headers

Stage = Literal["consumer.decode", "consumer.infer", "postproc.read", "postproc.draw"]
Deed = Literal["replayed", "dropped"]

MAX_REASON_CHARS = 1000
MARK_KEY = b"mark"
"""No topic, and so the key of no dead letter of the consumer."""
REPLAY_ATTEMPTS = "replay-attempts"
"""Header of a record that was put back: how often it had been tried until then."""
_PREFIX = "deadletter-"
_LEFT_OUT = "left-out-bytes"
_MARK, _MARKS_OFFSET = "deadletter-mark", "deadletter-marks-offset"
_MAX_ATTEMPTS = 1_000_000


@dataclass(frozen=True, slots=True)
class DeadLetterRecord:
    """What is written to the topic; no value where the refused one was too large, or none."""

    headers: list[tuple[str, bytes]]
    value: bytes | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Why one record was refused, after how many attempts, and where it lies in Kafka.

    `replay_of` names the record that this one repeated, where it had been put back; its attempts
    then count too. `left_out_bytes` is the size of the value where that was too large to be kept.
    """

    topic: str
    partition: int
    offset: int
    stage: Stage
    reason: str
    attempts: int = 1
    replay_of: Coordinates | None = None
    left_out_bytes: int | None = None

    @property
    def coordinates(self) -> Coordinates:
        """Where the refused record lies."""
        return Coordinates(self.topic, self.partition, self.offset)

    def record(self, headers: Headers, value: bytes | None, limit_bytes: int) -> DeadLetterRecord:
        """Return the dead letter: the headers of the original record, then ours, and its value.

        A header without a value becomes an empty one: kafka-python's producer sends no other. What
        would take the record above `limit_bytes` is left out, and the reason says so: first the
        value, then the original headers; ours still tell where the original lies.
        """
        kept = [(name, value or b"") for name, value in headers if not name.startswith(_PREFIX)]
        tried = replace(self, attempts=self.attempts + _attempts_before(dict(kept)))
        value_bytes = len(value or b"")
        if _size_bytes([*kept, *tried._ours()]) + value_bytes <= limit_bytes:
            return DeadLetterRecord([*kept, *tried._ours()], value)
        note = f" (its value of {value_bytes} bytes is left out: {limit_bytes} bytes are taken)"
        ours = replace(tried, left_out_bytes=value_bytes)._ours(note)
        if _size_bytes([*kept, *ours]) > limit_bytes:
            kept = [(name, value) for name, value in kept if name in (REPLAY_OF, REPLAY_ATTEMPTS)]
        if _size_bytes([*kept, *ours]) > limit_bytes:
            kept = []
        return DeadLetterRecord([*kept, *ours], None)

    def _ours(self, note: str = "") -> list[tuple[str, bytes]]:
        texts = {
            "topic": self.topic,
            "partition": str(self.partition),
            "offset": str(self.offset),
            "stage": self.stage,
            "reason": self.reason[:MAX_REASON_CHARS] + note,
            "attempts": str(self.attempts),
        }
        if self.left_out_bytes is not None:
            texts[_LEFT_OUT] = str(self.left_out_bytes)
        return [(_PREFIX + name, text.encode()) for name, text in texts.items()]


@dataclass(frozen=True, slots=True)
class Mark:
    """What was done about the dead letter at one offset of the topic."""

    deed: Deed
    offset: int

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the headers of its record, whose key is MARK_KEY and which has no value."""
        return [(_MARK, self.deed.encode()), (_MARKS_OFFSET, b"%d" % self.offset)]


def read_dead_letter(headers: Headers) -> DeadLetter | Mark:
    """Tell letters from marks; raise InvalidRecord, naming the header, for what is neither."""
    texts = {name: (value or b"").decode("utf-8", "replace") for name, value in headers}
    if _MARK in texts:
        return Mark(
            cast(Deed, _one_of(texts, _MARK, get_args(Deed))), _natural(texts, _MARKS_OFFSET)
        )
    ours = {name: texts[_PREFIX + name] for name in ("topic", "reason") if _PREFIX + name in texts}
    if len(ours) != 2:
        raise InvalidRecord("no dead letter: it does not say where from and why")
    return DeadLetter(
        ours["topic"],
        _natural(texts, _PREFIX + "partition"),
        _natural(texts, _PREFIX + "offset"),
        cast(Stage, _one_of(texts, _PREFIX + "stage", get_args(Stage))),
        ours["reason"],
        _natural(texts, _PREFIX + "attempts"),
        _replay_of(texts),
        _natural(texts, _PREFIX + _LEFT_OUT) if _PREFIX + _LEFT_OUT in texts else None,
    )


def original_headers(headers: Headers) -> list[tuple[str, bytes]]:
    """Return the headers that the refused record itself had when it was first written."""
    ours = (REPLAY_OF, REPLAY_ATTEMPTS)
    return [
        (name, value or b"")
        for name, value in headers
        if not name.startswith(_PREFIX) and name not in ours
    ]


def replay_headers(letter: DeadLetter, headers: Headers) -> list[tuple[str, bytes]]:
    """Return the headers under which a refused record is put back: its own, and its history."""
    return [
        *original_headers(headers),
        (REPLAY_OF, str(letter.coordinates).encode()),
        (REPLAY_ATTEMPTS, b"%d" % letter.attempts),
    ]


def _replay_of(texts: Mapping[str, str]) -> Coordinates | None:
    try:
        return Coordinates.parse(texts.get(REPLAY_OF, ""))
    except InvalidRecord:
        return None  # it may be for this very header that the record was refused


def _attempts_before(headers: Mapping[str, bytes]) -> int:
    text = headers.get(REPLAY_ATTEMPTS, b"0")
    return min(int(text), _MAX_ATTEMPTS) if text.isdigit() and len(text) < 10 else 0


def _one_of(texts: Mapping[str, str], name: str, known: tuple[str, ...]) -> str:
    if texts.get(name) not in known:
        raise InvalidRecord(f"header {name!r} is {texts.get(name)!r}: expected {', '.join(known)}")
    return texts[name]


def _natural(texts: Mapping[str, str], name: str) -> int:
    text = texts.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise InvalidRecord(f"header {name!r} is {text[:80]!r}: expected a number")
    return int(text)


def _size_bytes(headers: list[tuple[str, bytes]]) -> int:
    # Two lengths a header, at most 5 bytes each in Kafka's record format.
    return sum(len(name.encode()) + len(value) + 10 for name, value in headers)
