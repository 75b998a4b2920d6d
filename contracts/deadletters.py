"""The record of `deadletter`: the refused record as it was, and headers that say why."""

from dataclasses import dataclass
from typing import Literal

from contracts.frames import Headers

Stage = Literal["consumer.decode", "consumer.infer", "postproc.read", "postproc.draw"]

MAX_REASON_CHARS = 1000
_PREFIX = "deadletter-"


@dataclass(frozen=True, slots=True)
class DeadLetterRecord:
    """What is written to the topic; no value where the refused one was too large, or none."""

    headers: list[tuple[str, bytes]]
    value: bytes | None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Why one record was refused, after how many attempts, and where it lies in Kafka."""

    topic: str
    partition: int
    offset: int
    stage: Stage
    reason: str
    attempts: int = 1

    def record(self, headers: Headers, value: bytes | None, limit_bytes: int) -> DeadLetterRecord:
        """Return the dead letter: the headers of the original record, then ours, and its value.

        A header without a value becomes an empty one: kafka-python's producer sends no other. What
        would take the record above `limit_bytes` is left out, and the reason says so: first the
        value, then the original headers; ours still tell where the original lies.
        """
        kept = [(name, value or b"") for name, value in headers if not name.startswith(_PREFIX)]
        value_bytes = len(value or b"")
        if _size_bytes([*kept, *self._ours()]) + value_bytes <= limit_bytes:
            return DeadLetterRecord([*kept, *self._ours()], value)
        note = f" (its value of {value_bytes} bytes is left out: {limit_bytes} bytes are taken)"
        ours = self._ours(note)
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
        return [(_PREFIX + name, text.encode()) for name, text in texts.items()]


def _size_bytes(headers: list[tuple[str, bytes]]) -> int:
    # Two lengths a header, at most 5 bytes each in Kafka's record format.
    return sum(len(name.encode()) + len(value) + 10 for name, value in headers)
