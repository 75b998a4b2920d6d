"""An annotated picture in S3: the metadata that leads back to its frame, and its one right key."""

from contracts.errors import InvalidRecord
from contracts.names import BatchId, evidence_key, shown, stream_of_topic
from contracts.results import BatchResult, FrameResult


def evidence_metadata(result: BatchResult, frame: FrameResult) -> dict[str, str]:
    """Return the S3 user metadata of one picture; every value is printable ASCII, as S3 demands."""
    source = result.source
    return {
        "stream": result.stream_id,
        "topic": source.topic,
        "partition": str(source.partition),
        "offset": str(frame.offset),
        "batch-id": result.batch_id,
        "model": _printable(f"{result.model.name}/{result.model.version}"),
        "detections": str(len(frame.detections)),
        "captured-ns": str(frame.captured_ns),
    }


def check_evidence_keys(result: BatchResult) -> None:
    """Raise InvalidRecord unless every key is the one that its stream, batch and frame make.

    A record must not be able to name any other place in the bucket.
    """
    if result.stream_id != stream_of_topic(result.source.topic):
        raise InvalidRecord(f"stream_id is {shown(result.stream_id)}: its source says otherwise")
    batch_id = BatchId.parse(result.batch_id)
    captured_ns = {frame.offset: frame.captured_ns for frame in result.frames}
    for chosen in result.evidence:
        expected = evidence_key(batch_id, chosen.offset, captured_ns[chosen.offset])
        if chosen.key != expected:
            raise InvalidRecord(
                f"evidence key is {shown(chosen.key)}: its frame makes it {expected!r}"
            )


def _printable(text: str) -> str:
    # A line break would make the whole request one that no client sends.
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
