"""What the consumer's loop asks of the outside."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from consumer.frame import FetchedFrame, FrameSource
from consumer.worker import BatchOutcome


class Frames(Protocol):
    """Where frames are read and offsets committed."""

    def subscribe(self) -> None:
        """Begin to take part in the group."""

    def take_revoked(self) -> Iterable[FrameSource]:
        """Return the partitions that were taken from us since the last call."""

    def poll(self, timeout_s: float) -> list[FetchedFrame]:
        """Return the next frames, in order per partition; raise TransientError to try again."""

    def committed(self, source: FrameSource) -> int | None:
        """Return the offset committed for a partition; raise TransientError if it is not known."""

    def caught_up(self, sources: Collection[FrameSource]) -> set[FrameSource]:
        """Return the partitions of which all is read; raise TransientError if it is not known."""

    def pause(self) -> None:
        """Return no frames until `resume`."""

    def resume(self) -> None:
        """Return frames again."""

    def commit(self, next_offsets: Mapping[FrameSource, int], timeout_s: float) -> None:
        """Commit the offset to read next, per partition; raise TransientError to try again."""


class Acknowledgement(Protocol):
    """Tells whether what was written is safe."""

    @property
    def is_done(self) -> bool:
        """Whether it is."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A result that was handed over at `at_s`, by the loop's own clock."""

    acknowledgement: Acknowledgement
    at_s: float


class Results(Protocol):
    """Where results and dead letters are written."""

    def send(self, outcome: BatchOutcome) -> Acknowledgement:
        """Hand over a result and its dead letters; raise TransientError to try again."""

    def flush(self, timeout_s: float) -> None:
        """Wait until all that was handed over is safe; raise TransientError if it takes longer."""
