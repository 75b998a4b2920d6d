"""Batches as the viewer reads them, for its tests."""

from contracts.results import encode_result
from tests.postproc_results import PERSON, batch_result
from viewer.batches import Batch, Origin, read_batch

NOW_MS = 1_763_832_100_000


def batch(
    stream_id: str = "cam1",
    number: int = 0,
    offset: int | None = None,
    captured_ms: int | None = None,
    people: int = 1,
    partition: int = 0,
) -> Batch:
    """Return batch `number` of a stream, a second after the one before, in `results` at `offset`.

    `captured_ms`: when its first frame was captured; its 25 frames take 960 ms.
    """
    first_ms = NOW_MS - 100_000 + 1000 * number if captured_ms is None else captured_ms
    result = batch_result(
        stream_id,
        first_offset=25 * number,
        evidence_jpegs=[b"jpeg"],
        detections=(PERSON,) * people,
        captured_ns=first_ms * 1_000_000,
    )
    origin = Origin(partition, number if offset is None else offset)
    return read_batch(encode_result(result), origin)
