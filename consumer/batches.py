"""Gathers the frames of one partition into batches whose limits a second reading repeats."""

from dataclasses import dataclass

from consumer.frame import FetchedFrame, FrameSource
from contracts.names import BatchId
from contracts.results import ClosedBy


@dataclass(frozen=True, slots=True)
class Batch:
    """Frames of one partition in offset order, at least one, gathered within `gather_s` seconds."""

    frames: tuple[FetchedFrame, ...]
    closed_by: ClosedBy
    gather_s: float

    @property
    def source(self) -> FrameSource:
        """The partition that the frames came from."""
        return self.frames[0].source

    @property
    def first_offset(self) -> int:
        """The offset that gives the batch its identity."""
        return self.frames[0].offset

    @property
    def next_offset(self) -> int:
        """The offset to commit once the batch is done."""
        return self.frames[-1].offset + 1

    @property
    def batch_id(self) -> BatchId:
        """The identity of the batch."""
        return BatchId(self.source.topic, self.source.partition, self.first_offset)


class BatchAssembler:
    """Closes a batch at `size` frames, at a change of session, or at an age of `max_age_s`.

    Size and session are properties of the log, so reading it again closes the same batches. Age is
    not: the caller asks for it only at the end of the log, and writes nothing of a later batch
    until the aged one is committed. Then a second reading can only make the last batch longer.
    """

    def __init__(self, size: int, max_age_s: float) -> None:
        self._size = size
        self._max_age_s = max_age_s
        self._frames: list[FetchedFrame] = []
        self._opened_s = 0.0

    @property
    def waiting(self) -> int:
        """Frames gathered in the batch that is still open."""
        return len(self._frames)

    def add(self, frame: FetchedFrame, now_s: float) -> list[Batch]:
        """Take the next frame; return the batches that it closed (at most two)."""
        closed = []
        if self._frames and self._starts_session(frame):
            closed.append(self._close("session_end", now_s))
        if not self._frames:
            self._opened_s = now_s
        self._frames.append(frame)
        if len(self._frames) == self._size:
            closed.append(self._close("size", now_s))
        return closed

    def is_aged(self, now_s: float) -> bool:
        """Whether the first frame of the open batch has waited for `max_age_s` seconds."""
        return bool(self._frames) and now_s - self._opened_s >= self._max_age_s

    def close_aged(self, now_s: float) -> Batch:
        """Return the open batch, which must be aged."""
        return self._close("age", now_s)

    def _starts_session(self, frame: FetchedFrame) -> bool:
        before = self._frames[-1].session
        return None not in (before, frame.session) and before != frame.session

    def _close(self, closed_by: ClosedBy, now_s: float) -> Batch:
        batch = Batch(tuple(self._frames), closed_by, now_s - self._opened_s)
        self._frames = []
        return batch
