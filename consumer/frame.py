"""One record of a frames topic, as it was fetched."""

from dataclasses import dataclass
from typing import NamedTuple

from contracts.deadletters import MAX_REASON_CHARS
from contracts.errors import InvalidRecord
from contracts.frames import MAX_NUMBER, FrameHeaders, Headers, is_replay
from contracts.stand_ins import unreadable


class FrameSource(NamedTuple):
    """The partition that a frame was read from."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class FetchedFrame:
    """A frame and where it lies; where its headers break the contract, `refusal` says how.

    `fetched_ns` is when it came, by our clock, in nanoseconds since the epoch.
    """

    source: FrameSource
    offset: int
    jpeg: bytes
    record_headers: Headers
    timestamp_ms: int
    headers: FrameHeaders | None = None
    refusal: str | None = None
    fetched_ns: int = 0

    @classmethod
    def read(
        cls,
        source: FrameSource,
        offset: int,
        jpeg: bytes,
        headers: Headers,
        timestamp_ms: int,
        fetched_ns: int = 0,
    ) -> "FetchedFrame":
        """Read the headers of a record; one that breaks the contract is kept, with the reason."""
        decoded, refusal = None, unreadable(headers)
        if refusal is None:
            try:
                decoded = FrameHeaders.decode(headers)
            except InvalidRecord as error:
                refusal = str(error)[:MAX_REASON_CHARS]
        return cls(source, offset, jpeg, headers, timestamp_ms, decoded, refusal, fetched_ns)

    @property
    def captured_ns(self) -> int:
        """Capture time in ns since the epoch; Kafka's timestamp where the header is lost."""
        if self.headers is None:
            # The timestamp is the writer's own word, and may lie beyond what a result takes.
            return min(max(self.timestamp_ms, 0) * 1_000_000, MAX_NUMBER)
        return self.headers.captured_ns

    @property
    def is_replay(self) -> bool:
        """Whether it was put back from the dead letters, hours or days after its capture."""
        return is_replay(self.record_headers)

    @property
    def session(self) -> str | None:
        """The connection to the camera that delivered the frame, where it is known."""
        return None if self.headers is None else self.headers.session
