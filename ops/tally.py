"""Adds up what became of every frame of a stream, from the records alone.

Both sides of each sum are counted apart: captured from the sequence numbers of the frames,
published from their offsets, inferred from the results. So a frame that was lost shows, instead of
vanishing from both sides.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from contracts.frames import FrameHeaders
from contracts.results import BatchResult


class Quantiles(Struct, frozen=True):
    """Half, and nineteen of twenty, took no longer than this many seconds."""

    p50: float
    p95: float


class StreamReport(Struct, frozen=True):
    """The account of the frames that Kafka still holds of one stream, from `first_offset` on.

    The books close where captured = published + dropped, and published = inferred + dead_lettered +
    waiting: then `lost` and `doubled` are 0. Of `evidence_promised` pictures, `evidence` are in S3.
    """

    first_offset: int
    captured: int
    published: int
    dropped: dict[str, int]
    batches: int
    inferred: int
    dead_lettered: int
    waiting: int
    lost: int
    doubled: int
    evidence_promised: int
    evidence: int
    detections: int
    capture_to_s3_s: Quantiles | None

    @property
    def adds_up(self) -> bool:
        """Whether every captured frame is accounted for."""
        is_captured_known = self.captured == self.published + sum(self.dropped.values())
        return is_captured_known and not self.lost and not self.doubled

    @property
    def is_settled(self) -> bool:
        """Whether nothing is still on its way."""
        return not self.waiting and self.evidence == self.evidence_promised


@dataclass(frozen=True, slots=True)
class _Outcome:
    batch_id: str
    detections: int | None
    """None where the frame was refused."""


@dataclass
class StreamTally:
    """Collects the records of one stream; results in any order and as often as delivered.

    `first_offset` and `end_offset` bound what Kafka holds of its frames now.
    """

    first_offset: int = 0
    end_offset: int = 0
    evidence_keys: set[str] = field(default_factory=set)
    _dropped: Counter[str] = field(default_factory=Counter)
    _captured: int = 0
    _last_seq: dict[str, int] = field(default_factory=dict)
    _outcomes: dict[int, _Outcome] = field(default_factory=dict)
    _doubled: set[int] = field(default_factory=set)
    _promised: set[str] = field(default_factory=set)

    def add_frame(self, offset: int, headers: FrameHeaders | None) -> None:
        """Count one published frame, in order of offset, and what its headers tell of others."""
        if headers is None:
            self._captured += 1  # a record that is no frame of ours: no more is known of it
            return
        last_seq = self._last_seq.get(headers.session)
        dropped = sum(headers.dropped.values())
        skipped = headers.seq if last_seq is None else headers.seq - last_seq - 1
        if last_seq is None:
            # The first frame of a session also tells of drops at the end of the one before.
            skipped = max(skipped, dropped)
        if offset == self.first_offset and offset > 0:
            skipped = dropped  # what lies before it has expired
        self._captured += 1 + skipped
        self._dropped.update(headers.dropped)
        self._last_seq[headers.session] = headers.seq

    def add_result(self, result: BatchResult) -> None:
        """Count the frames of one result that Kafka still holds.

        A batch that was read again has the same id and at least the same frames. A frame in batches
        of two ids is doubled.
        """
        for frame in result.frames:
            if frame.offset < self.first_offset:
                continue
            known = self._outcomes.get(frame.offset)
            if known is not None and known.batch_id != result.batch_id:
                self._doubled.add(frame.offset)
            found = None if frame.not_inferred is not None else len(frame.detections)
            self._outcomes[frame.offset] = _Outcome(result.batch_id, found)
        held = (chosen for chosen in result.evidence if chosen.offset >= self.first_offset)
        self._promised.update(chosen.key for chosen in held)

    @property
    def first_promised_key(self) -> str | None:
        """The least key of the pictures that results promise."""
        return min(self._promised, default=None)

    def report(self, capture_to_s3_s: Quantiles | None) -> StreamReport:
        """Return the account."""
        # Results may have come since `end_offset` was asked for.
        read = {at: found for at, found in self._outcomes.items() if at < self.end_offset}
        outcomes = read.values()
        inferred = [found.detections for found in outcomes if found.detections is not None]
        read_until = max(read, default=self.first_offset - 1) + 1
        return StreamReport(
            first_offset=self.first_offset,
            captured=self._captured,
            published=self.end_offset - self.first_offset,
            dropped={reason: n for reason, n in sorted(self._dropped.items()) if n},
            batches=len({found.batch_id for found in outcomes}),
            inferred=len(inferred),
            dead_lettered=len(outcomes) - len(inferred),
            waiting=self.end_offset - read_until,
            lost=read_until - self.first_offset - len(outcomes),
            doubled=len(self._doubled),
            evidence_promised=len(self._promised),
            evidence=len(self.evidence_keys & self._promised),
            detections=sum(inferred),
            capture_to_s3_s=capture_to_s3_s,
        )


def histogram_quantiles(buckets: Iterable[tuple[float, float]]) -> Quantiles | None:
    """Return quantiles of a Prometheus histogram, or None if it has seen nothing.

    `buckets` are (upper bound in seconds, cumulative count). Within a bucket the values are taken
    as evenly spread, as Prometheus's own histogram_quantile does.
    """
    rising = sorted(buckets)
    if not rising or not rising[-1][1]:
        return None
    return Quantiles(_quantile(0.5, rising), _quantile(0.95, rising))


def _quantile(share: float, rising: list[tuple[float, float]]) -> float:
    wanted = share * rising[-1][1]
    below_s, below_count = 0.0, 0.0
    for bound_s, count in rising:
        if count >= wanted:
            if bound_s == float("inf"):
                return below_s
            inside = (wanted - below_count) / max(count - below_count, 1)
            return round(below_s + (bound_s - below_s) * inside, 3)
        below_s, below_count = bound_s, count
    return below_s
