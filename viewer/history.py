"""The newest batches of each stream, in bounded memory, and which of them are stored. Pure."""

from collections.abc import Mapping
from itertools import pairwise

from contracts.wall import Picture
from viewer.batches import Batch

MAX_STREAMS = 512
MAX_BATCHES = 60
"""Of one stream: a minute, where a batch is a second."""
_GAPS = 3
_LONGEST_GAP_S = 60.0


class History:
    """Takes batches as they come, any number of times each; the newest captured stays longest."""

    def __init__(self, max_streams: int = MAX_STREAMS, max_batches: int = MAX_BATCHES) -> None:
        self._max_streams = max_streams
        self._max_batches = max_batches
        self._batches: dict[str, dict[str, tuple[int, Batch]]] = {}
        self._committed: Mapping[int, int] = {}

    def add(self, batch: Batch, now_ms: int) -> None:
        """Keep one batch; a stream that has been silent the longest goes where there is no room."""
        # Put behind the others: the first stream is the one to go.
        kept = self._batches.pop(batch.stream_id, {})
        self._batches[batch.stream_id] = kept
        if len(self._batches) > self._max_streams:
            del self._batches[next(iter(self._batches))]
        # A time that is still to come, whoever wrote it, is no newer than now.
        kept[batch.batch_id] = (min(batch.captured_ms[-1], now_ms), batch)
        if len(kept) > self._max_batches:
            del kept[min(kept, key=lambda batch_id: kept[batch_id][0])]

    def settle(self, committed: Mapping[int, int]) -> None:
        """Take the offsets of `results` that the post-processors read next, by partition."""
        self._committed = committed

    def forget(self, stream_id: str) -> None:
        """Drop all batches of a stream."""
        self._batches.pop(stream_id, None)

    def batches(self, stream_id: str) -> list[Batch]:
        """Return what is kept of a stream, the newest capture first."""
        kept = sorted(
            self._batches.get(stream_id, {}).values(), key=lambda entry: entry[0], reverse=True
        )
        return [batch for _, batch in kept]

    def newest(self, stream_id: str) -> Batch | None:
        """Return the batch that was captured last."""
        kept = self._batches.get(stream_id)
        return max(kept.values(), key=lambda entry: entry[0])[1] if kept else None

    def is_stored(self, batch: Batch) -> bool:
        """Return whether the post-processors are done with a batch: pictures stored, or refused.

        False too where nobody has told how far they are.
        """
        return self._committed.get(batch.origin.partition, 0) > batch.origin.offset

    def stored(self, stream_id: str) -> Batch | None:
        """Return the batch captured last of those that are stored."""
        return next((batch for batch in self.batches(stream_id) if self.is_stored(batch)), None)

    def picture(self, stream_id: str) -> Picture | None:
        """Return the newest picture of a stream that is in S3."""
        for batch in self.batches(stream_id):
            if batch.pictures and self.is_stored(batch):
                return batch.pictures[-1]
        return None

    def gap_s(self, stream_id: str) -> float:
        """Return the longest time between two of the newest results, in seconds; at most 60."""
        made_ms = [batch.inferred_ms for batch in self.batches(stream_id)[: _GAPS + 1]]
        gaps_s = [abs(newer - older) / 1000 for newer, older in pairwise(made_ms)]
        return min(max(gaps_s, default=0.0), _LONGEST_GAP_S)
