"""Which offsets may be committed while several pieces of work of a partition overlap in time."""

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


@dataclass(slots=True)
class _Span:
    first: int
    next_offset: int
    is_complete: bool = False


@dataclass(slots=True)
class _Partition:
    spans: deque[_Span] = field(default_factory=deque)
    """The spans that may not be committed yet, in order; the first of them is never complete."""
    begun_until: int = -1
    advanced_to: int | None = None


class CompletedOffsets(Generic[P]):
    """Turns work that ends in any order into commits that only move forward, over no gap.

    A span holds the offsets from `first` up to, not including, `next_offset`: one record, or one
    batch of them. `next_offset` is what Kafka is to be told, the place where reading would resume.
    `P` is whatever names a partition: a number, or kafka's TopicPartition. Not safe across threads:
    the one that polls is the one that keeps it.
    """

    def __init__(self) -> None:
        self._partitions: dict[P, _Partition] = {}

    def begin(self, partition: P, first: int, next_offset: int) -> None:
        """Say that work on a span has begun.

        Raises ValueError if the span is empty or does not lie behind all those begun before it;
        offsets may be left out between two spans, as compaction and transactions leave them out.
        """
        if not 0 <= first < next_offset:
            raise ValueError(f"span {first} to {next_offset}: expected 0 <= first < next_offset")
        state = self._partitions.setdefault(partition, _Partition())
        if first < state.begun_until:
            raise ValueError(f"span begins at {first}: {state.begun_until} was begun before it")
        state.spans.append(_Span(first, next_offset))
        state.begun_until = next_offset

    def complete(self, partition: P, first: int) -> None:
        """Say that the work on the span that begins at `first` has ended.

        A span that is not known is passed over: its partition was taken away while work went on.
        """
        state = self._partitions.get(partition)
        if state is None:
            return
        for span in state.spans:
            if span.first == first:
                span.is_complete = True
        while state.spans and state.spans[0].is_complete:
            state.advanced_to = state.spans.popleft().next_offset

    def take_committable(self) -> dict[P, int]:
        """Return the next offset of each partition that has advanced since the last take.

        Every span before it is complete. If the commit then fails, nothing is lost: a later take
        covers it, and what is never committed is delivered once more.
        """
        taken: dict[P, int] = {}
        for partition, state in self._partitions.items():
            if state.advanced_to is not None:
                taken[partition] = state.advanced_to
                state.advanced_to = None
        return taken

    def forget(self, partition: P) -> None:
        """Drop all that is known of a partition that was taken away."""
        self._partitions.pop(partition, None)
