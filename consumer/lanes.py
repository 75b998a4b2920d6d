"""The batches of one partition on their way, kept in order from fetched to committed."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from consumer.batches import Batch, BatchAssembler

T = TypeVar("T")
U = TypeVar("U")


@dataclass
class InWork(Generic[T]):
    """A batch and the ticket by which its outcome is asked for."""

    batch: Batch
    ticket: T


class Lane(Generic[T, U]):
    """Batches of one partition: first in work (ticket `T`), then being flushed (ticket `U`)."""

    def __init__(self, assembler: BatchAssembler) -> None:
        self.assembler = assembler
        self._in_work: deque[InWork[T]] = deque()
        self._in_flush: deque[InWork[U]] = deque()
        self._has_uncommitted_tail = False

    @property
    def in_flight(self) -> int:
        """Batches that are closed and whose result Kafka has not acknowledged."""
        return len(self._in_work) + len(self._in_flush)

    @property
    def tickets(self) -> list[T]:
        """The tickets of the batches in work, oldest first."""
        return [entry.ticket for entry in self._in_work]

    def started(self, batch: Batch, ticket: T) -> None:
        """Note that work on a batch has begun."""
        self._in_work.append(InWork(batch, ticket))

    def next_done(self, is_done: Callable[[T], bool]) -> T | None:
        """Return the ticket of the oldest batch if its work is done and its result may be written.

        It stays in work until `flushing` is told.
        """
        if self._has_uncommitted_tail or not self._in_work or not is_done(self._in_work[0].ticket):
            return None
        return self._in_work[0].ticket

    def abandon(self) -> None:
        """Give up what is in work: a batch written behind one that was not would skip it."""
        self._in_work.clear()

    def flushing(self, ticket: U) -> None:
        """Note that the result of the oldest batch in work was handed to Kafka."""
        batch = self._in_work.popleft().batch
        self._in_flush.append(InWork(batch, ticket))
        self._has_uncommitted_tail = batch.closed_by == "age"

    def take_flushed(self, is_done: Callable[[U], bool]) -> InWork[U] | None:
        """Return the oldest batch whose result Kafka has acknowledged, with its ticket."""
        if not self._in_flush or not is_done(self._in_flush[0].ticket):
            return None
        return self._in_flush.popleft()

    def committed(self) -> None:
        """Note that the offsets of all flushed batches are committed."""
        if not self._in_flush:
            self._has_uncommitted_tail = False
