"""How long a frame takes from its capture to S3, as the post-processor has measured it."""

from collections import defaultdict
from collections.abc import Iterable

import urllib3
from prometheus_client.parser import text_string_to_metric_families

from ops.ledger.accounts import Quantiles

CAPTURE_TO_S3 = "framerail_capture_to_evidence_seconds"


def read_latencies(metrics_url: str) -> dict[str, Quantiles]:
    """Return seconds from capture to S3 per stream; empty while the post-processor is away."""
    try:
        answer = urllib3.request("GET", metrics_url, timeout=2.0, retries=False)
    except urllib3.exceptions.HTTPError:
        return {}
    buckets: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for family in text_string_to_metric_families(answer.data.decode()):
        for sample in family.samples:
            if sample.name == f"{CAPTURE_TO_S3}_bucket":
                bound_s = float(sample.labels["le"])
                buckets[sample.labels["stream"]].append((bound_s, sample.value))
    measured = {stream_id: histogram_quantiles(found) for stream_id, found in buckets.items()}
    return {stream_id: found for stream_id, found in measured.items() if found is not None}


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
