"""Reads one record of `results` and checks what its key in S3 will be built on. Pure."""

from contracts.errors import InvalidRecord
from contracts.evidence import check_evidence_keys
from contracts.frames import Headers
from contracts.results import BatchResult, FrameResult, decode_result
from contracts.stand_ins import unreadable
from runtime.errors import InvalidInput


def read_result(value: bytes | None, headers: Headers = ()) -> BatchResult:
    """Return the result of one batch; raise InvalidInput, saying why, if it can never be used.

    Beyond its own contract, every evidence key must be the one that its batch and frame make: a
    record must not be able to write anywhere else in the bucket.
    """
    if value is None:
        raise InvalidInput(unreadable(headers) or "the record has no value")
    try:
        result = decode_result(value)
        check_evidence_keys(result)
    except InvalidRecord as error:
        raise InvalidInput(str(error)) from error
    return result


def evidence_frames(result: BatchResult) -> dict[int, FrameResult]:
    """Return the frames of a batch by their offset."""
    return {frame.offset: frame for frame in result.frames}
