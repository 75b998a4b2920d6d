"""The record of `deadletter`: the refused record as it was, and headers that say why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.frames import Headers

Stage = Literal["consumer.decode", "consumer.infer", "postproc.read", "postproc.draw"]

_PREFIX = "deadletter-"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Why one record was refused, and where it lies in Kafka."""

    topic: str
    partition: int
    offset: int
    stage: Stage
    reason: str
    attempts: int = 1

    def encode(self, original: Headers) -> list[tuple[str, bytes]]:
        """Return the headers of the dead letter: those of the original record, then ours.

        A header without a value becomes an empty one: kafka-python's producer sends no other.
        """
        ours: Sequence[tuple[str, str]] = (
            ("topic", self.topic),
            ("partition", str(self.partition)),
            ("offset", str(self.offset)),
            ("stage", self.stage),
            ("reason", self.reason[:1000]),
            ("attempts", str(self.attempts)),
        )
        kept = [(name, value or b"") for name, value in original if not name.startswith(_PREFIX)]
        return [*kept, *((_PREFIX + name, value.encode()) for name, value in ours)]
