"""Where one record lies in Kafka, and the name that people and headers know it by."""

import re
from dataclasses import dataclass

from contracts.errors import InvalidRecord

_COORDINATES = re.compile(
    r"(?P<topic>[A-Za-z0-9._-]{1,249})-(?P<partition>\d{1,9})@(?P<offset>\d{1,19})", re.ASCII
)


@dataclass(frozen=True, slots=True, order=True)
class Coordinates:
    """One record of Kafka; as text `frames.cam1-0@1234`: topic, partition, offset."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Coordinates":
        """Read a name back; raise InvalidRecord if it is none."""
        match = _COORDINATES.fullmatch(text)
        if match is None:
            raise InvalidRecord(f"record {text[:80]!r}: expected <topic>-<partition>@<offset>")
        return cls(match["topic"], int(match["partition"]), int(match["offset"]))
