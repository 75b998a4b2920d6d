"""The figures of one stream, and whether they add up."""

from msgspec import Struct


class Quantiles(Struct, frozen=True):
    """Half, and nineteen of twenty, took no longer than this many seconds."""

    p50: float
    p95: float


class FrameAccount(Struct, frozen=True, kw_only=True):
    """The account of the frames that Kafka still holds of one stream, from `first_offset` on.

    The books close where captured + replayed = published + dropped, and published = inferred +
    dead_lettered + waiting: then `lost` and `doubled` are 0. `expired` frames went while the log
    was read, and are in none of these. `replayed` ones were put back from the dead letters, by
    `framerail deadletter replay`: published again, not captured again. `expired_unread` ones
    went before `first_offset` and before the consumers had come to them: the books do not close.
    """

    first_offset: int
    end_offset: int
    captured: int
    published: int
    replayed: int
    dropped: dict[str, int]
    batches: int
    inferred: int
    dead_lettered: int
    waiting: int
    lost: int
    doubled: int
    expired: int
    expired_unread: int
    detections: int

    @property
    def adds_up(self) -> bool:
        """Whether every captured frame is accounted for."""
        told = self.published + sum(self.dropped.values())
        is_told = self.captured + self.replayed == told
        return is_told and not (self.lost or self.doubled or self.expired_unread)


class StreamReport(FrameAccount, frozen=True, kw_only=True):
    """The account, and of `evidence_promised` pictures the `evidence` that S3 lists."""

    evidence_promised: int
    evidence: int
    capture_to_s3_s: Quantiles | None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is still on its way."""
        return not self.waiting and self.evidence == self.evidence_promised
