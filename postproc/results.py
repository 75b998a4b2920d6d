"""Reads one record of `results` and checks what its key in S3 will be built on. Pure."""

from contracts.errors import InvalidRecord
from contracts.names import BatchId, evidence_key, stream_of_topic
from contracts.results import BatchResult, FrameResult, decode_result
from runtime.errors import InvalidInput


def read_result(value: bytes | None) -> BatchResult:
    """Return the result of one batch; raise InvalidInput, saying why, if it can never be used.

    Beyond its own contract, every evidence key must be the one that its batch and frame make: a
    record must not be able to write anywhere else in the bucket.
    """
    if value is None:
        raise InvalidInput("the record has no value")
    try:
        result = decode_result(value)
        _check_keys(result)
    except InvalidRecord as error:
        raise InvalidInput(str(error)) from error
    return result


def evidence_frames(result: BatchResult) -> dict[int, FrameResult]:
    """Return the frames of a batch by their offset."""
    return {frame.offset: frame for frame in result.frames}


def _check_keys(result: BatchResult) -> None:
    if result.stream_id != stream_of_topic(result.source.topic):
        raise InvalidRecord(f"stream_id is {result.stream_id!r}: its source says otherwise")
    frames = evidence_frames(result)
    for chosen in result.evidence:
        expected = _expected_key(result, frames[chosen.offset])
        if chosen.key != expected:
            raise InvalidRecord(f"evidence key is {chosen.key!r}: its frame makes it {expected!r}")


def _expected_key(result: BatchResult, frame: FrameResult) -> str:
    try:
        return evidence_key(BatchId.parse(result.batch_id), frame.offset, frame.captured_ns)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidRecord(f"captured_ns is {frame.captured_ns}: no time on earth") from error
