"""The waiting frames of one stream and the account of those that were dropped: none is forgotten.

The account is kept between the frames: a drop belongs to the frame that is published next after it,
so each entry carries the drops since the entry before it. When an entry is itself dropped, what it
carried goes on to the entry behind it. Hence, whatever the order of events,
captured = published + dropped, and each drop is told in exactly one published record.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from contracts.frames import DropReason

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Waiting(Generic[F]):
    """A frame, and the drops by reason between the entry before it and itself."""

    frame: F
    dropped: Mapping[DropReason, int]


class FrameQueue(Generic[F]):
    """Holds at most `capacity` frames, oldest first; not safe for use by several threads."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._entries: deque[Waiting[F]] = deque()
        self._since_newest: Counter[DropReason] = Counter()

    def __len__(self) -> int:
        return len(self._entries)

    def drop(self, reason: DropReason) -> None:
        """Account for one frame that was dropped now, before it could wait."""
        self._since_newest[reason] += 1

    def put(self, frame: F) -> list[F]:
        """Append a frame; return the oldest that were dropped, as backlog, to make room."""
        self._entries.append(Waiting(frame, dict(self._since_newest)))
        self._since_newest.clear()
        evicted = []
        while len(self._entries) > self._capacity:
            oldest = self._entries.popleft()
            self.return_drops(oldest, "backlog")
            evicted.append(oldest.frame)
        return evicted

    def take(self) -> Waiting[F] | None:
        """Remove and return the oldest entry, or None if no frame waits."""
        return self._entries.popleft() if self._entries else None

    def return_drops(self, entry: Waiting[F], reason: DropReason) -> None:
        """Account for a taken entry that was not published: it and its drops go to the next one."""
        carried = Counter(entry.dropped)
        carried[reason] += 1
        if self._entries:
            oldest = self._entries[0]
            self._entries[0] = Waiting(oldest.frame, dict(carried + Counter(oldest.dropped)))
        else:
            self._since_newest.update(carried)
