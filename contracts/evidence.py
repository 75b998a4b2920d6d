"""The metadata of an annotated picture in S3: enough to lead back to its frame, batch and model."""

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


def _printable(text: str) -> str:
    # A line break would make the whole request one that no client sends.
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in text)
