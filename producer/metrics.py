"""What the producer counts and measures, a label a stream."""

from functools import partial
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from contracts.frames import DropReason

_BUCKETS_S = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256)
_ACKNOWLEDGED_S = (0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Records linger 0.1 s; a broker that is away for long lets them wait."""


class ProducerMetrics:
    """The families of metrics, registered once a process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, labelnames=["stream"], registry=registry)
        gauge = partial(Gauge, labelnames=["stream"], registry=registry)
        seconds = partial(Histogram, labelnames=["stream"], buckets=_BUCKETS_S, registry=registry)
        self.captured = counter("framerail_frames_captured", "Frames that the camera delivered.")
        self.published = counter("framerail_frames_published", "Frames that Kafka acknowledged.")
        self.dropped = Counter(
            "framerail_frames_dropped",
            "Frames that were not published, by reason.",
            ["stream", "reason"],
            registry=registry,
        )
        self.published_bytes = counter("framerail_published_bytes", "JPEG bytes acknowledged.")
        self.reconnects = counter(
            "framerail_stream_reconnects", "Connections tried after the first."
        )
        self.connected = gauge("framerail_stream_connected", "1 live, 0 reconnecting.")
        self.captured_at = gauge(
            "framerail_captured_timestamp_seconds",
            "Capture time of the newest frame that is to be published, UNIX time.",
        )
        self.published_at = gauge(
            "framerail_published_timestamp_seconds",
            "Capture time of the newest frame that Kafka acknowledged, UNIX time.",
        )
        self.buffered = gauge("framerail_buffer_frames", "Frames that wait for Kafka.")
        self.in_flight = gauge(
            "framerail_frames_in_flight", "Frames sent that Kafka has not acknowledged."
        )
        self.retention_seconds = Gauge(
            "framerail_frames_retention_seconds",
            "Time for which topics of frames are made to hold them.",
            registry=registry,
        )
        self.retention_bytes = Gauge(
            "framerail_frames_retention_bytes",
            "Bytes of frames that the topic of one stream is made to hold.",
            registry=registry,
        )
        self.decode_seconds = seconds("framerail_decode_seconds", "To decode a packet.")
        self.encode_seconds = seconds(
            "framerail_encode_seconds", "To scale a picture and encode it."
        )
        self.publish_seconds = Histogram(
            "framerail_publish_seconds",
            "From handing a frame to the Kafka client to its acknowledgement.",
            ["stream"],
            buckets=_ACKNOWLEDGED_S,
            registry=registry,
        )


class StreamMetrics:
    """The metrics of one stream: counts exist from the start, at zero, times from the first."""

    def __init__(self, metrics: ProducerMetrics, stream_id: str) -> None:
        self._metrics = metrics
        self._stream_id = stream_id
        self.captured = metrics.captured.labels(stream_id)
        self.published = metrics.published.labels(stream_id)
        self.dropped: dict[DropReason, Counter] = {
            reason: metrics.dropped.labels(stream_id, reason) for reason in get_args(DropReason)
        }
        self.published_bytes = metrics.published_bytes.labels(stream_id)
        self.reconnects = metrics.reconnects.labels(stream_id)
        self.connected = metrics.connected.labels(stream_id)
        self.buffered = metrics.buffered.labels(stream_id)
        self.in_flight = metrics.in_flight.labels(stream_id)
        self.decode_seconds = metrics.decode_seconds.labels(stream_id)
        self.encode_seconds = metrics.encode_seconds.labels(stream_id)
        self.publish_seconds = metrics.publish_seconds.labels(stream_id)

    def chosen(self, captured_ns: int) -> None:
        """Tell the capture time, in ns since the epoch, of a frame that is to be published."""
        self._metrics.captured_at.labels(self._stream_id).set(captured_ns / 1e9)

    def acknowledged(self, captured_ns: int, jpeg_bytes: int, publish_s: float) -> None:
        """Count a frame that Kafka has stored, `publish_s` seconds after it was handed over."""
        self.published.inc()
        self.published_bytes.inc(jpeg_bytes)
        self.publish_seconds.observe(publish_s)
        self._metrics.published_at.labels(self._stream_id).set(captured_ns / 1e9)
