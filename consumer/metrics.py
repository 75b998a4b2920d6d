"""What the consumer counts, as Prometheus names things."""

from prometheus_client import Counter, Gauge, Histogram

_STAGE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

FRAMES_FETCHED = Counter("framerail_frames_fetched_total", "Frames read from Kafka.", ["stream"])
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
LAG_SECONDS = Gauge(
    "framerail_capture_to_inferred_seconds", "Age of the newest inferred frame.", ["stream"]
)
