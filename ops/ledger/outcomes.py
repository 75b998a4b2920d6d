"""What the results of one stream say of each frame, and the pictures that they promise."""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.errors import InvalidRecord
from contracts.names import MAX_OFFSET, BatchId, evidence_key, frames_topic
from contracts.results import BatchResult, FrameResult
from ops.ledger.columns import OffsetColumn

UNKNOWN = -2
REFUSED = -1
PROMISE_NUMBERS = 4
"""That are held of a picture: its offset, when it was captured and inferred, its result."""

EMPTY = "is-empty"
"""Stands in for the metadata of an object of no bytes, whatever it says of itself."""


class Promise(NamedTuple):
    """A picture that a result promises; `result_offset` is where the last such result lies."""

    key: str
    batch_id: BatchId
    offset: int
    captured_ns: int
    inferred_ms: int
    result_offset: int


class Outcomes:
    """Takes results in any order and as often as delivered.

    An hour of a camera at 25 frames/s takes 3.4 MB with a picture a batch, 5.1 MB with all of them.
    """

    def __init__(self, stream_id: str) -> None:
        self._topic = frames_topic(stream_id)
        self._stream_id = stream_id
        self._batch_of = OffsetColumn(UNKNOWN)
        self._found = OffsetColumn(UNKNOWN)
        # By first offset of the batch: rows of offset, captured_ns, inferred_ms, result_offset.
        self._promised: dict[int, array[int]] = {}
        self.refused: dict[int, int] = {}
        """When the result of a frame that reached no model was written, in ms since the epoch."""
        self.doubled: set[int] = set()

    def add(self, result: BatchResult, result_offset: int, first_offset: int) -> None:
        """Take the frames of one result, but for those before `first_offset`.

        A batch that was read again has the same id and at least the same frames. A frame in batches
        of two ids is doubled.
        """
        source = result.source
        if source.partition != 0 or source.last_offset > MAX_OFFSET:
            return  # no batch of ours: a stream has one partition
        inferred_ms = min(result.inferred_ns // 1_000_000, MAX_OFFSET)
        for frame in result.frames:
            if frame.offset >= first_offset:
                self._add_frame(frame, source.first_offset, inferred_ms)
        self._promise(result, inferred_ms, result_offset, first_offset)

    def found(self, first: int, end: int) -> NDArray[np.int64]:
        """Return the detections of each frame, or REFUSED, or UNKNOWN where it has no result."""
        return self._found.between(first, end)

    def batches(self, first: int, end: int) -> int:
        """Return how many batches have a frame in these offsets."""
        ids = np.unique(self._batch_of.between(first, end))
        return int(np.count_nonzero(ids != UNKNOWN))

    @property
    def promised(self) -> int:
        """How many pictures `promises` yields."""
        return sum(map(len, self._promised.values())) // PROMISE_NUMBERS

    def promises(self) -> Iterator[Promise]:
        """Yield every picture that a result has promised."""
        for first, rows in self._promised.items():
            batch_id = BatchId(self._topic, 0, first)
            for at in range(0, len(rows), PROMISE_NUMBERS):
                offset, captured_ns, inferred_ms, result_offset = rows[at : at + PROMISE_NUMBERS]
                key = self._key(batch_id, offset, captured_ns)
                yield Promise(key, batch_id, offset, captured_ns, inferred_ms, result_offset)

    def _add_frame(self, frame: FrameResult, first: int, inferred_ms: int) -> None:
        known = self._batch_of[frame.offset]
        if known not in (UNKNOWN, first):
            self.doubled.add(frame.offset)
        self._batch_of[frame.offset] = first
        if frame.not_inferred is None:
            self._found[frame.offset] = len(frame.detections)
            self.refused.pop(frame.offset, None)
        else:
            self._found[frame.offset] = REFUSED
            self.refused[frame.offset] = inferred_ms

    def _promise(
        self, result: BatchResult, inferred_ms: int, result_offset: int, first_offset: int
    ) -> None:
        captured = {frame.offset: frame.captured_ns for frame in result.frames}
        chosen = [one.offset for one in result.evidence if one.offset >= first_offset]
        if not chosen:
            return
        rows = self._promised.setdefault(result.source.first_offset, array("q"))
        known = {rows[at]: at for at in range(0, len(rows), PROMISE_NUMBERS)}
        for offset in chosen:
            captured_ns = min(captured[offset], MAX_OFFSET)
            row = array("q", (offset, captured_ns, inferred_ms, result_offset))
            at = known.setdefault(offset, len(rows))
            rows[at : at + PROMISE_NUMBERS] = row

    def _key(self, batch_id: BatchId, offset: int, captured_ns: int) -> str:
        try:
            return evidence_key(batch_id, offset, captured_ns)
        except InvalidRecord:
            # No time on earth: the post-processor has refused it, and nothing has this key.
            return f"evidence/{self._stream_id}/-/{batch_id}/{offset}.jpg"
