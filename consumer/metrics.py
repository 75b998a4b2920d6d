"""What the consumer counts, as Prometheus names things."""

from prometheus_client import Counter, Gauge, Histogram

from runtime.metrics import DEAD_LETTERS, NewestCapture

_STAGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_QUARTERS_TO_3 = tuple(step / 4 for step in range(1, 13))
"""Seconds. Fine where a live stream lies: a batch of 25 takes 2.5 s to fill at 10 frames/s."""

FRAMES_FETCHED = Counter("framerail_frames_fetched_total", "Frames read from Kafka.", ["stream"])
FETCHED_BYTES = Counter("framerail_fetched_bytes_total", "JPEG bytes read from Kafka.", ["stream"])
FRAMES_INFERRED = Counter(
    "framerail_frames_inferred_total", "Frames that a model answered.", ["stream"]
)
FRAMES_EXPIRED = Counter(
    "framerail_frames_expired_total", "Frames that Kafka deleted before they were read.", ["stream"]
)
BATCHES = Counter("framerail_batches_total", "Batches written to results.", ["stream", "closed_by"])
DETECTIONS = Counter("framerail_detections_total", "Objects detected.", ["stream", "label"])
INFER_RETRIES = Counter("framerail_infer_retries_total", "Requests to the model sent again.")
IN_FLIGHT = Gauge("framerail_batches_in_flight", "Batches closed and not yet safe in results.")
WAITING = Gauge("framerail_frames_waiting", "Frames in batches that are still open.")
STAGE_SECONDS = Histogram(
    "framerail_batch_stage_seconds",
    "Seconds that one batch spent in a stage.",
    ["stage"],
    buckets=_STAGE_BUCKETS,
)
INFERRED_AT = Gauge(
    "framerail_inferred_timestamp_seconds",
    "Capture time of the newest frame whose result is safe in results, UNIX time.",
    ["stream"],
)
NEWEST_INFERRED = NewestCapture(INFERRED_AT)
CAPTURE_TO_INFERRED_SECONDS = Histogram(
    "framerail_capture_to_inferred_seconds",
    "Time from the capture of a frame to the model's answer.",
    ["stream"],
    buckets=(*_QUARTERS_TO_3, 4, 5, 7.5, 10, 15, 20, 30, 60, 300, 1800),
)

for _stage in ("consumer.decode", "consumer.infer"):
    DEAD_LETTERS.labels(_stage)  # from zero on: an increase that was never seen alarms nobody
