"""The figures of one stream, and whether they add up."""

from msgspec import Struct

from ops.ledger.latencies import Quantiles


class FrameAccount(Struct, frozen=True, kw_only=True):
    """The account of the frames that Kafka still holds of one stream, from `first_offset` on.

    The books close where captured + replayed = published + dropped, and published = inferred +
    dead_lettered + waiting: then `lost` and `doubled` are 0. `expired` frames went while the log
    was read, and are in none of these.
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
    detections: int

    @property
    def adds_up(self) -> bool:
        """Whether every captured frame is accounted for."""
        told = self.published + sum(self.dropped.values())
        return self.captured + self.replayed == told and not self.lost and not self.doubled


class StreamReport(FrameAccount, frozen=True, kw_only=True):
    """The account, and of `evidence_promised` pictures the `evidence` that S3 lists."""

    evidence_promised: int
    evidence: int
    capture_to_s3_s: Quantiles | None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is still on its way."""
        return not self.waiting and self.evidence == self.evidence_promised
