"""What the post-processor counts and times; one name a fact, with its unit."""

from prometheus_client import Counter, Gauge, Histogram

from runtime.metrics import DEAD_LETTERS, NewestCapture

_QUARTERS_TO_3 = tuple(step / 4 for step in range(1, 13))
"""Seconds. Fine where a live stream lies: percentiles are read from these buckets."""

RESULTS_READ = Counter("framerail_results_read_total", "Valid results read.", ["stream"])
EVIDENCE_STORED = Counter("framerail_evidence_stored_total", "Pictures stored in S3.", ["stream"])
EVIDENCE_BYTES = Counter(
    "framerail_evidence_bytes_total", "Bytes of the pictures stored in S3.", ["stream"]
)
STORE_FAILURES = Counter(
    "framerail_store_failures_total", "Failed attempts to store a picture, by cause.", ["cause"]
)
RESULTS_IN_FLIGHT = Gauge(
    "framerail_results_in_flight", "Results taken from Kafka that are not yet done with."
)
STORED_AT = Gauge(
    "framerail_stored_timestamp_seconds",
    "Capture time of the newest frame of a result whose pictures are all in S3, UNIX time.",
    ["stream"],
)
NEWEST_STORED = NewestCapture(STORED_AT)
"""A result does not say that its frames were put back, so one is only kept from turning the gauge
back; where nothing newer was stored since the start, it tells the old time."""
UPLOAD_SECONDS = Histogram(
    "framerail_upload_seconds",
    "Time to store one picture, its successful attempt alone.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DRAW_SECONDS = Histogram(
    "framerail_draw_seconds",
    "Time to decode, annotate and encode one picture.",
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
CAPTURE_TO_EVIDENCE_SECONDS = Histogram(
    "framerail_capture_to_evidence_seconds",
    "Time from the capture of a frame to its picture being in S3.",
    ["stream"],
    buckets=(*_QUARTERS_TO_3, 3.5, 4, 4.5, 5, 7.5, 10, 20, 30, 60, 300, 1800),
)

# From zero on: an increase that was never seen alarms nobody.
for _cause in ("away", "refused"):
    STORE_FAILURES.labels(_cause)
for _stage in ("postproc.read", "postproc.draw"):
    DEAD_LETTERS.labels(_stage)
