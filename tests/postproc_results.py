"""Results as the consumer writes them, for the tests of the post-processor."""

from collections.abc import Sequence

import numpy as np
import simplejpeg

from contracts.names import BatchId, evidence_key, frames_topic
from contracts.results import (
    BatchResult,
    Detection,
    EvidenceFrame,
    FrameResult,
    Model,
    Source,
    Timings,
)

CAPTURED_NS = 1_763_832_001_234_567_890
"""2025-11-22 17:20:01.234 UTC."""

PERSON = Detection((10.0, 12.0, 30.0, 40.0), 0.87, 1, "person")


def jpeg_of(width: int = 64, height: int = 48) -> bytes:
    """Return a grey JPEG."""
    grey = np.full((height, width, 3), 128, np.uint8)
    jpeg: bytes = simplejpeg.encode_jpeg(grey, 90, "RGB")
    return jpeg


def batch_result(
    stream_id: str = "cam1",
    first_offset: int = 0,
    evidence_jpegs: Sequence[bytes] | None = None,
    detections: tuple[Detection, ...] = (PERSON,),
    captured_ns: int = CAPTURED_NS,
    frame_count: int = 25,
) -> BatchResult:
    """Return the result of one batch whose first frames are the evidence, one a JPEG."""
    chosen = [jpeg_of()] if evidence_jpegs is None else evidence_jpegs
    batch_id = BatchId(frames_topic(stream_id), 0, first_offset)
    frames = tuple(
        FrameResult(first_offset + at, captured_ns + at * 40_000_000, (64, 48), detections)
        for at in range(frame_count)
    )
    return BatchResult(
        batch_id=str(batch_id),
        stream_id=stream_id,
        source=Source(batch_id.topic, 0, first_offset, first_offset + frame_count - 1),
        model=Model("ssd_mobilenet", "2"),
        closed_by="size",
        captured_first_ns=frames[0].captured_ns,
        captured_last_ns=frames[-1].captured_ns,
        inferred_ns=frames[-1].captured_ns + 100_000_000,
        timings=Timings(1000.0, 50.0, 250.0),
        frames=frames,
        evidence=tuple(
            EvidenceFrame(f.offset, evidence_key(batch_id, f.offset, f.captured_ns), jpeg)
            for f, jpeg in zip(frames, chosen, strict=False)
        ),
    )
