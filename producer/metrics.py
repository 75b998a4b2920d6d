"""What the producer counts and measures, a label a stream."""

from functools import partial
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from contracts.frames import DropReason

_BUCKETS_S = (0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256)


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
        self.buffered = gauge("framerail_buffer_frames", "Frames that wait for Kafka.")
        self.decode_seconds = seconds("framerail_decode_seconds", "To decode a packet.")
        self.encode_seconds = seconds(
            "framerail_encode_seconds", "To scale a picture and encode it."
        )


class StreamMetrics:
    """The metrics of one stream; every series exists from the start, at zero."""

    def __init__(self, metrics: ProducerMetrics, stream_id: str) -> None:
        self.captured = metrics.captured.labels(stream_id)
        self.published = metrics.published.labels(stream_id)
        self.dropped: dict[DropReason, Counter] = {
            reason: metrics.dropped.labels(stream_id, reason) for reason in get_args(DropReason)
        }
        self.published_bytes = metrics.published_bytes.labels(stream_id)
        self.reconnects = metrics.reconnects.labels(stream_id)
        self.connected = metrics.connected.labels(stream_id)
        self.buffered = metrics.buffered.labels(stream_id)
        self.decode_seconds = metrics.decode_seconds.labels(stream_id)
        self.encode_seconds = metrics.encode_seconds.labels(stream_id)
