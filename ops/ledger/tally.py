"""Adds up what became of every frame of a stream, from the records alone.

Both sides of each sum are counted apart: captured from the sequence numbers of the frames,
published from their offsets, inferred from the results. So a frame that was lost shows, instead of
vanishing from both sides.
"""

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.frames import FrameHeaders
from contracts.results import BatchResult
from ops.ledger.accounts import FrameAccount, Quantiles, StreamReport
from ops.ledger.captures import Captures
from ops.ledger.outcomes import REFUSED, UNKNOWN, Outcomes, Promise

LATE_FRAMES = 250
"""Ten full batches: so late may a consumer that was put out of its group write its last one."""


class StreamTally:
    """Collects the records of one stream; frames in order, results in any and as often as come.

    `first_offset` and `end_offset` bound the frames that are in the account. `committed` is where
    the consumer's group has got to: a frame before it must have a result by now. While the group
    has committed nothing, so must those before the last frame with a result.
    """

    def __init__(self, stream_id: str, first_offset: int = 0, end_offset: int = 0) -> None:
        self.stream_id = stream_id
        self.first_offset = first_offset
        self.end_offset = end_offset
        self.committed: int | None = None
        self.log_begin: int | None = None
        """The oldest offset that Kafka held before it told `committed`, where all are meant."""
        self.evidence_keys: set[str] = set()
        self.dead_letters: set[int] = set()
        """Offsets of the frames that the dead-letter topic tells of."""
        self._captures = Captures(first_offset)
        self._outcomes = Outcomes(stream_id)

    @property
    def next_frame(self) -> int:
        """The offset of the frame to read next."""
        return self._captures.next_offset

    def add_frame(self, offset: int, headers: FrameHeaders | None, is_replay: bool = False) -> None:
        """Count one published frame, in order of offset; None where its headers are not ours."""
        self._captures.add(offset, headers, is_replay)

    def read_until(self, offset: int) -> None:
        """Say that every frame before `offset` which Kafka still holds was added."""
        self._captures.read_until(offset)

    def expire_until(self, offset: int) -> None:
        """Say that the frames before `offset` which were not added yet have expired."""
        self._captures.expire_until(offset)

    def add_result(self, result: BatchResult, result_offset: int = 0) -> None:
        """Count the frames of one result that are in the account."""
        self._outcomes.add(result, result_offset, self.first_offset)

    def forget_results(self) -> None:
        """Begin with the results anew: they are read once more, from an earlier one on."""
        self._outcomes = Outcomes(self.stream_id)

    def may_lack_results(self, begin: int | None) -> bool:
        """Return whether a frame without a result may have one before those that were added.

        `begin` is the first frame of the first of them, None if there is none.
        """
        due = min(self._due_until, self.end_offset)
        unknown = np.flatnonzero(self._outcomes.found(self.first_offset, due) == UNKNOWN)
        if not len(unknown):
            return False
        return begin is None or begin > max(self.first_offset + int(unknown[0]) - LATE_FRAMES, 0)

    def leave_out_unprovable(self, before: int) -> None:
        """Begin behind the last frame without a result of those before the offset `before`.

        For what retention may have taken the results of; no frame may have been added yet.
        """
        due = min(before, self._due_until)
        unknown = np.flatnonzero(self._outcomes.found(self.first_offset, due) == UNKNOWN)
        if len(unknown):
            self.first_offset += int(unknown[-1]) + 1
            self._captures = Captures(self.first_offset)

    def account(self) -> FrameAccount:
        """Return the figures."""
        found, is_lost, is_waiting = self._fates()
        is_inferred = found > REFUSED
        captures = self._captures
        return FrameAccount(
            first_offset=self.first_offset,
            end_offset=self.end_offset,
            captured=captures.captured,
            published=int(np.count_nonzero(self._is_held())),
            replayed=captures.replayed,
            dropped={reason: n for reason, n in sorted(captures.dropped.items()) if n},
            batches=self._outcomes.batches(self.first_offset, self.end_offset),
            inferred=int(np.count_nonzero(is_inferred)),
            dead_lettered=int(np.count_nonzero(found == REFUSED)),
            waiting=int(np.count_nonzero(is_waiting)),
            lost=int(np.count_nonzero(is_lost)),
            doubled=len(self.doubled()),
            expired=sum(map(len, captures.expired)),
            expired_unread=len(self.expired_unread()),
            detections=int(found[is_inferred].sum()),
        )

    def report(self, capture_to_s3_s: Quantiles | None) -> StreamReport:
        """Return the figures, and how many of the promised pictures are among `evidence_keys`."""
        promised = {promise.key for promise in self.promises()}
        return StreamReport(
            **msgspec.structs.asdict(self.account()),
            evidence_promised=len(promised),
            evidence=len(self.evidence_keys & promised),
            capture_to_s3_s=capture_to_s3_s,
        )

    @property
    def promised(self) -> int:
        """How many pictures results promise, those of frames out of the account among them."""
        return self._outcomes.promised

    def promises(self) -> Iterator[Promise]:
        """Yield the pictures that results promise of the frames in the account."""
        is_held = self._is_held()
        for promise in self._outcomes.promises():
            at = promise.offset - self.first_offset
            if 0 <= at < len(is_held) and is_held[at]:
                yield promise

    def lost(self) -> list[int]:
        """Return the offsets of the frames that should have a result and have none."""
        return self._offsets(self._fates()[1])

    def doubled(self) -> list[int]:
        """Return the offsets of the frames that are in batches of two ids."""
        return self._in_account(self._outcomes.doubled)

    def expired_unread(self) -> range:
        """Return the offsets of the frames that went before the group had come to them.

        Of a group that has committed nothing it cannot be told: it may be new, or named wrongly.
        """
        if self.committed is None or self.log_begin is None:
            return range(0)
        return range(self.committed, max(self.log_begin, self.committed))

    def untold(self) -> dict[int, int]:
        """Return captured frames of which nothing is told, as `Captures.untold` does."""
        return self._captures.untold()

    def without_dead_letter(self) -> dict[int, int]:
        """Return the frames that reached no model and stand in no dead letter.

        By offset; the value is when their result was written, in ms since the epoch. A frame that
        the group has not committed may have its letter still on the way.
        """
        due = self.first_offset if self.committed is None else self.committed
        refused = self._outcomes.refused
        return {
            offset: refused[offset]
            for offset in self._in_account(refused.keys() - self.dead_letters)
            if offset < due
        }

    @property
    def _due_until(self) -> int:
        if self.committed is not None:
            return self.committed
        known = self._outcomes.found(self.first_offset, self.end_offset) != UNKNOWN
        return self.first_offset + (int(np.flatnonzero(known)[-1]) + 1 if known.any() else 0)

    def _is_held(self) -> NDArray[np.bool_]:
        """Whether each offset from the first to the end holds a frame, or did when it was read."""
        is_held = np.ones(max(self.end_offset - self.first_offset, 0), np.bool_)
        for hole in self._captures.holes:
            is_held[max(hole.start - self.first_offset, 0) : hole.stop - self.first_offset] = False
        return is_held

    def _fates(self) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return detections of each frame, whether it is lost, and whether it waits."""
        found = self._outcomes.found(self.first_offset, self.end_offset)
        is_held = self._is_held()
        found[~is_held] = UNKNOWN
        is_open = is_held & (found == UNKNOWN)
        is_due = np.arange(self.first_offset, self.first_offset + len(found)) < self._due_until
        return found, is_open & is_due, is_open & ~is_due

    def _in_account(self, offsets: Iterable[int]) -> list[int]:
        is_held = self._is_held()
        inside = (at for at in offsets if self.first_offset <= at < self.end_offset)
        return sorted(at for at in inside if is_held[at - self.first_offset])

    def _offsets(self, which: NDArray[np.bool_]) -> list[int]:
        return [self.first_offset + int(at) for at in np.flatnonzero(which)]
