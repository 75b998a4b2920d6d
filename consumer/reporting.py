"""What the consumer tells of its work: one log line and the counts of each batch."""

from consumer import metrics
from consumer.batches import Batch
from consumer.frame import FetchedFrame
from consumer.worker import BatchOutcome, RefusedFrame
from contracts.names import stream_of_topic
from contracts.results import BatchResult
from runtime.logs import Logger
from runtime.metrics import CLASS_LABELS, DEAD_LETTERS


def report_fetched(frame: FetchedFrame, expected_offset: int, log: Logger) -> None:
    """Count one frame, and those that Kafka's retention deleted before it was read."""
    topic, partition = frame.source
    stream_id = stream_of_topic(topic)
    metrics.FRAMES_FETCHED.labels(stream_id).inc()
    metrics.FETCHED_BYTES.labels(stream_id).inc(len(frame.jpeg))
    if frame.offset > expected_offset:
        metrics.FRAMES_EXPIRED.labels(stream_id).inc(frame.offset - expected_offset)
        log.error(
            "frames.expired",
            topic=topic,
            partition=partition,
            first_offset=expected_offset,
            last_offset=frame.offset - 1,
        )


def report_written(outcome: BatchOutcome, log: Logger) -> None:
    """Count one batch whose result was handed to Kafka."""
    result = outcome.result
    metrics.BATCHES.labels(result.stream_id, result.closed_by).inc()
    for refused in outcome.refused:
        _report_refused(refused, log)
    _observe_stages(result)
    log.info(
        "batch.inferred",
        topic=result.source.topic,
        partition=result.source.partition,
        first_offset=result.source.first_offset,
        last_offset=result.source.last_offset,
        closed_by=result.closed_by,
        detections=_count_frames(result),
        infer_ms=result.timings.infer_ms,
    )


def report_safe(batch: Batch, write_s: float) -> None:
    """Tell that Kafka has acknowledged the result of a batch, `write_s` after it was sent."""
    metrics.STAGE_SECONDS.labels("write").observe(write_s)
    live_ns = [frame.captured_ns for frame in batch.frames if not frame.is_replay]
    if live_ns:
        metrics.NEWEST_INFERRED.reached(stream_of_topic(batch.source.topic), max(live_ns))


def _report_refused(refused: RefusedFrame, log: Logger) -> None:
    letter = refused.letter
    DEAD_LETTERS.labels(letter.stage).inc()
    log.warning(
        "frame.refused",
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.offset,
        stage=letter.stage,
        reason=letter.reason,
    )


def _observe_stages(result: BatchResult) -> None:
    timings = result.timings
    metrics.STAGE_SECONDS.labels("gather").observe(timings.gather_ms / 1000)
    metrics.STAGE_SECONDS.labels("decode").observe(timings.decode_ms / 1000)
    metrics.STAGE_SECONDS.labels("infer").observe(timings.infer_ms / 1000)


def _count_frames(result: BatchResult) -> int:
    inferred = [frame for frame in result.frames if frame.not_inferred is None]
    metrics.FRAMES_INFERRED.labels(result.stream_id).inc(len(inferred))
    to_inferred = metrics.CAPTURE_TO_INFERRED_SECONDS.labels(result.stream_id)
    for frame in inferred:
        to_inferred.observe((result.inferred_ns - frame.captured_ns) / 1e9)
        for detection in frame.detections:
            metrics.DETECTIONS.labels(result.stream_id, CLASS_LABELS(detection.label)).inc()
    return sum(len(frame.detections) for frame in inferred)
