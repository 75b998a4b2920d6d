"""Adds up what became of every frame of a stream, from the records alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from contracts.results import BatchResult


class Quantiles(Struct, frozen=True):
    """Half, and nineteen of twenty, took no longer than this many seconds."""

    p50: float
    p95: float


class StreamReport(Struct, frozen=True):
    """The account of one stream: captured = published + dropped; published = inferred +
    dead_lettered + waiting."""

    captured: int
    published: int
    dropped: dict[str, int]
    batches: int
    inferred: int
    dead_lettered: int
    waiting: int
    evidence_promised: int
    evidence: int
    detections: int
    capture_to_s3_s: Quantiles | None


@dataclass
class StreamTally:
    """Collects the records of one stream in any order, each as often as it was delivered."""

    published: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    results: dict[str, BatchResult] = field(default_factory=dict)
    evidence_keys: set[str] = field(default_factory=set)

    def add_result(self, result: BatchResult) -> None:
        """Keep one result per batch id: the longest, as a batch read again can only have grown."""
        kept = self.results.get(result.batch_id)
        if kept is None or len(result.frames) >= len(kept.frames):
            self.results[result.batch_id] = result

    def report(self, capture_to_s3_s: Quantiles | None) -> StreamReport:
        """Return the account."""
        frames = [frame for result in self.results.values() for frame in result.frames]
        inferred = [frame for frame in frames if frame.not_inferred is None]
        dropped = {reason: count for reason, count in sorted(self.dropped.items()) if count}
        promised = {chosen.key for result in self.results.values() for chosen in result.evidence}
        return StreamReport(
            captured=self.published + sum(dropped.values()),
            published=self.published,
            dropped=dropped,
            batches=len(self.results),
            inferred=len(inferred),
            dead_lettered=len(frames) - len(inferred),
            waiting=self.published - len(frames),
            evidence_promised=len(promised),
            evidence=len(self.evidence_keys & promised),
            detections=sum(len(frame.detections) for frame in inferred),
            capture_to_s3_s=capture_to_s3_s,
        )


def is_settled(report: StreamReport) -> bool:
    """Whether nothing of the stream is still on its way."""
    return report.waiting == 0 and report.evidence == report.evidence_promised


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


def totals(reports: Mapping[str, StreamReport]) -> dict[str, int]:
    """Return the sums over all streams that a person asks for first."""
    names = ("captured", "published", "batches", "inferred", "evidence", "detections")
    return {name: sum(getattr(report, name) for report in reports.values()) for name in names}
