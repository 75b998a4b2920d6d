"""The record of `results`: one JSON document a batch, enough to draw and store its evidence."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from contracts.errors import InvalidRecord
from contracts.names import BatchId

RESULT_VERSION: Literal[1] = 1

ClosedBy = Literal["size", "age", "session_end"]
Natural = Annotated[int, Meta(ge=0)]
Confidence = Annotated[float, Meta(ge=0.0, le=1.0)]


class Detection(Struct, frozen=True, forbid_unknown_fields=True):
    """One object found: `box_xyxy` is (x1, y1, x2, y2) in pixels of the published frame."""

    box_xyxy: tuple[float, float, float, float]
    confidence: Confidence
    class_id: Natural
    label: str


class FrameResult(Struct, frozen=True):
    """One frame of the batch; `not_inferred` holds the reason where it reached no model."""

    offset: Natural
    captured_ns: Natural
    size_wh: tuple[int, int] | None = None
    detections: tuple[Detection, ...] = ()
    not_inferred: str | None = None


class EvidenceFrame(Struct, frozen=True):
    """One frame chosen for annotation: where its picture goes, and the JPEG (base64 in JSON)."""

    offset: Natural
    key: str
    jpeg: bytes


class Source(Struct, frozen=True):
    """Where the frames of the batch lie in Kafka; both offsets are inclusive."""

    topic: str
    partition: Natural
    first_offset: Natural
    last_offset: Natural


class Model(Struct, frozen=True):
    """The model that answered, as Triton names it."""

    name: str
    version: str


class Timings(Struct, frozen=True):
    """Milliseconds that each stage of the consumer took for the whole batch."""

    gather_ms: float
    decode_ms: float
    infer_ms: float


class BatchResult(Struct, frozen=True, kw_only=True):
    """What became of one batch of frames. Times are nanoseconds since the epoch, UTC."""

    v: Literal[1] = RESULT_VERSION
    batch_id: str
    stream_id: str
    source: Source
    model: Model
    closed_by: ClosedBy
    captured_first_ns: Natural
    captured_last_ns: Natural
    inferred_ns: Natural
    timings: Timings
    frames: tuple[FrameResult, ...]
    evidence: tuple[EvidenceFrame, ...] = ()
    traceparent: str | None = None


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(BatchResult)


def encode_result(result: BatchResult) -> bytes:
    """Return the JSON document of one batch."""
    return _encoder.encode(result)


def decode_result(value: bytes) -> BatchResult:
    """Read one document back; raise InvalidRecord naming the field if it breaks the contract."""
    try:
        result = _decoder.decode(value)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidRecord(f"result is no valid document: {error}") from error
    _check(result)
    return result


def _check(result: BatchResult) -> None:
    source = result.source
    expected_id = str(BatchId(source.topic, source.partition, source.first_offset))
    if result.batch_id != expected_id:
        raise InvalidRecord(f"batch_id is {result.batch_id!r}: its source makes it {expected_id!r}")
    offsets = [frame.offset for frame in result.frames]
    if not offsets or offsets != sorted(set(offsets)):
        raise InvalidRecord("frames: expected at least one, in rising order of offset")
    if (offsets[0], offsets[-1]) != (source.first_offset, source.last_offset):
        raise InvalidRecord(
            f"frames span {offsets[0]} to {offsets[-1]}: "
            f"source says {source.first_offset} to {source.last_offset}"
        )
    missing = {chosen.offset for chosen in result.evidence} - set(offsets)
    if missing:
        raise InvalidRecord(f"evidence names offsets {sorted(missing)} that are not in frames")
