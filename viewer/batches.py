"""One batch as the viewer keeps it: what its result told, in little memory and without pictures.

Whoever may write to `results` chooses what stands in a result, so everything kept is bounded.
"""

from array import array
from collections import Counter
from dataclasses import dataclass

from contracts.evidence import check_evidence_keys
from contracts.results import BatchResult, Detection, FrameResult, decode_result
from contracts.wall import BatchView, Picture

MAX_LABELS = 32
"""Kinds of objects that are counted in a batch, the most frequent ones."""
MAX_PICTURES = 32
_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a result lies in the topic `results`."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of a stream. Times are milliseconds since the epoch, one a frame in `captured_ms`.

    `now` counts the objects of its newest inferred frame by label, `counts` the most of any frame.
    """

    stream_id: str
    origin: Origin
    batch_id: str
    first_offset: int
    last_offset: int
    closed_by: str
    model: str
    captured_ms: "array[int]"
    detections: "array[int]"
    counts: dict[str, int]
    now: dict[str, int]
    not_inferred: int
    inferred_ms: int
    stages_ms: tuple[float, float, float]
    pictures: tuple[Picture, ...]

    def view(self, *, is_stored: bool) -> BatchView:
        """Return it as it is told."""
        gather_ms, decode_ms, infer_ms = self.stages_ms
        return BatchView(
            batch_id=self.batch_id,
            first_offset=self.first_offset,
            last_offset=self.last_offset,
            closed_by=self.closed_by,
            model=self.model,
            captured_ms=tuple(self.captured_ms),
            detections=tuple(self.detections),
            counts=self.counts,
            not_inferred=self.not_inferred,
            inferred_ms=self.inferred_ms,
            gather_ms=gather_ms,
            decode_ms=decode_ms,
            infer_ms=infer_ms,
            is_stored=is_stored,
            pictures=self.pictures,
        )


def read_batch(value: bytes, origin: Origin) -> Batch:
    """Return the batch of one record of `results`; raise InvalidRecord if it breaks its contract.

    One whose pictures would lie elsewhere than its frames make them is refused, as by the
    post-processor.
    """
    result = decode_result(value)
    check_evidence_keys(result)
    inferred = [frame for frame in result.frames if frame.not_inferred is None]
    timings = result.timings
    return Batch(
        stream_id=result.stream_id,
        origin=origin,
        batch_id=result.batch_id,
        first_offset=result.source.first_offset,
        last_offset=result.source.last_offset,
        closed_by=result.closed_by,
        model=f"{result.model.name}/{result.model.version}",
        captured_ms=array("q", [frame.captured_ns // _NS_PER_MS for frame in result.frames]),
        detections=array("I", [len(frame.detections) for frame in result.frames]),
        counts=_most_of_each(inferred),
        now=_counted(inferred[-1].detections) if inferred else {},
        not_inferred=len(result.frames) - len(inferred),
        inferred_ms=result.inferred_ns // _NS_PER_MS,
        stages_ms=(timings.gather_ms, timings.decode_ms, timings.infer_ms),
        pictures=_pictures(result),
    )


def _most_of_each(frames: list[FrameResult]) -> dict[str, int]:
    most: Counter[str] = Counter()
    for frame in frames:
        most |= Counter(found.label for found in frame.detections)
    return dict(most.most_common(MAX_LABELS))


def _counted(detections: tuple[Detection, ...]) -> dict[str, int]:
    return dict(Counter(found.label for found in detections).most_common(MAX_LABELS))


def _pictures(result: BatchResult) -> tuple[Picture, ...]:
    frames = {frame.offset: frame for frame in result.frames}
    chosen = sorted(result.evidence, key=lambda evidence: evidence.offset)[:MAX_PICTURES]
    return tuple(
        Picture(
            key=evidence.key,
            offset=evidence.offset,
            captured_ms=frames[evidence.offset].captured_ns // _NS_PER_MS,
            detections=len(frames[evidence.offset].detections),
        )
        for evidence in chosen
    )
