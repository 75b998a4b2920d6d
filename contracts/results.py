"""The record of `results`: one JSON document a batch, enough to draw and store its evidence."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from contracts.errors import InvalidRecord
from contracts.names import MAX_OFFSET, BatchId, shown

RESULT_VERSION: Literal[1] = 1

ClosedBy = Literal["size", "age", "session_end", "window_end"]
"""`window_end` stands in the last batch of a replay only; live never writes it."""

MAX_FRAMES = 256
"""As many as `FRAMERAIL_BATCH_SIZE` may be; each may be drawn."""
MAX_LABEL_CHARS = 64
_MAX_SAID_CHARS = 500

Natural = Annotated[int, Meta(ge=0, le=MAX_OFFSET)]
SidePx = Annotated[int, Meta(ge=1, le=65_535)]
"""A side of a JPEG (ITU-T T.81, B.2.2)."""
Name = Annotated[str, Meta(max_length=256)]
"""Names become S3 metadata, which may take 2 KB in all, and text on pictures."""
Confidence = Annotated[float, Meta(ge=0.0, le=1.0)]


class Detection(Struct, frozen=True, forbid_unknown_fields=True):
    """One object found: `box_xyxy` is (x1, y1, x2, y2) in pixels of the published frame."""

    box_xyxy: tuple[float, float, float, float]
    confidence: Confidence
    class_id: Natural
    label: Annotated[str, Meta(max_length=MAX_LABEL_CHARS)]


class FrameResult(Struct, frozen=True):
    """One frame of the batch; `not_inferred` holds the reason where it reached no model."""

    offset: Natural
    captured_ns: Natural
    size_wh: tuple[SidePx, SidePx] | None = None
    detections: tuple[Detection, ...] = ()
    not_inferred: Annotated[str, Meta(max_length=4096)] | None = None


class EvidenceFrame(Struct, frozen=True):
    """One frame chosen for annotation: where its picture goes, and the JPEG (base64 in JSON)."""

    offset: Natural
    key: Annotated[str, Meta(max_length=1024)]
    jpeg: bytes


class Source(Struct, frozen=True):
    """Where the frames of the batch lie in Kafka; both offsets are inclusive."""

    topic: Name
    partition: Natural
    first_offset: Natural
    last_offset: Natural


class Model(Struct, frozen=True):
    """The model that answered, as Triton names it."""

    name: Name
    version: Name


class Timings(Struct, frozen=True):
    """Milliseconds that each stage of the consumer took for the whole batch."""

    gather_ms: float
    decode_ms: float
    infer_ms: float


class BatchResult(Struct, frozen=True, kw_only=True):
    """What became of one batch of frames. Times are nanoseconds since the epoch, UTC."""

    v: Literal[1] = RESULT_VERSION
    batch_id: Name
    stream_id: Name
    source: Source
    model: Model
    closed_by: ClosedBy
    captured_first_ns: Natural
    captured_last_ns: Natural
    inferred_ns: Natural
    timings: Timings
    frames: Annotated[tuple[FrameResult, ...], Meta(max_length=MAX_FRAMES)]
    evidence: Annotated[tuple[EvidenceFrame, ...], Meta(max_length=MAX_FRAMES)] = ()
    traceparent: Annotated[str, Meta(max_length=4096)] | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(BatchResult)


def encode_result(result: BatchResult) -> bytes:
    """Return the JSON document of one batch."""
    return _encoder.encode(result)


def decode_result(value: bytes) -> BatchResult:
    """Read one document back; raise InvalidRecord naming the field if it breaks the contract."""
    try:
        result = _decoder.decode(value)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        # It may quote the document, and that is megabytes long.
        said = str(error)[:_MAX_SAID_CHARS]
        raise InvalidRecord(f"result is no valid document: {said}") from error
    _check(result)
    return result


def _check(result: BatchResult) -> None:
    source = result.source
    expected_id = str(BatchId(source.topic, source.partition, source.first_offset))
    if result.batch_id != expected_id:
        raise InvalidRecord(
            f"batch_id is {shown(result.batch_id)}: its source makes it {shown(expected_id)}"
        )
    offsets = [frame.offset for frame in result.frames]
    if not offsets or offsets != sorted(set(offsets)):
        raise InvalidRecord("frames: expected at least one, in rising order of offset")
    if (offsets[0], offsets[-1]) != (source.first_offset, source.last_offset):
        raise InvalidRecord(
            f"frames span {offsets[0]} to {offsets[-1]}: "
            f"source says {source.first_offset} to {source.last_offset}"
        )
    _check_evidence([chosen.offset for chosen in result.evidence], set(offsets))


def _check_evidence(chosen: list[int], offsets: set[int]) -> None:
    missing = sorted(set(chosen) - offsets)
    if missing:
        raise InvalidRecord(f"evidence names offsets {missing[:5]} that are not in frames")
    if len(set(chosen)) != len(chosen):
        raise InvalidRecord("evidence names an offset twice")
