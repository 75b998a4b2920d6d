"""What is done with one closed batch: decoded, inferred, and made into its result."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from consumer.batches import Batch
from consumer.decode import BadFrame, decode_into, frame_size_wh
from consumer.detections import FrameOutput, detections_of
from consumer.evidence import chosen_frames, within_budget
from consumer.frame import FetchedFrame
from contracts.deadletters import DeadLetter, Stage
from contracts.names import evidence_key, stream_of_topic
from contracts.results import (
    BatchResult,
    Detection,
    EvidenceFrame,
    FrameResult,
    Model,
    Source,
    Timings,
)


class Inference(Protocol):
    """Asks the model about some images; returns one output or a reason per image."""

    def __call__(self, images: NDArray[np.uint8]) -> "Sequence[FrameOutput | str] | None":
        """Return, per image, its output or why the model refused it; None if told to stop."""


@dataclass(frozen=True, slots=True)
class ResultRules:
    """How the model's answers become a result; `labels` names class id N at position N."""

    model: Model
    input_wh: tuple[int, int]
    labels: Sequence[str]
    min_confidence: float
    evidence: str
    evidence_budget_bytes: int


@dataclass(frozen=True, slots=True)
class RefusedFrame:
    """A record for the dead letters."""

    frame: FetchedFrame
    letter: DeadLetter


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The result of one batch, and the frames that reached no model."""

    result: BatchResult
    refused: tuple[RefusedFrame, ...]


@dataclass(slots=True)
class _Draft:
    """One frame while it is worked on."""

    frame: FetchedFrame
    size_wh: tuple[int, int] | None = None
    refusal: str | None = None
    stage: Stage = "consumer.decode"
    output: FrameOutput | None = None


class BatchWorker:
    """Works on batches, several at once from different threads."""

    def __init__(
        self, rules: ResultRules, infer: Inference, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._rules = rules
        self._infer = infer
        self._now_ns = now_ns

    def __call__(self, batch: Batch) -> BatchOutcome | None:
        """Return what became of the batch, or None if inference was told to stop."""
        begun_s = time.perf_counter()
        drafts, images = self._decoded(batch)
        decoded_s = time.perf_counter()
        if len(images) and not self._inferred(drafts, images):
            return None
        timings = Timings(
            gather_ms=round(batch.gather_s * 1000, 2),
            decode_ms=round((decoded_s - begun_s) * 1000, 2),
            infer_ms=round((time.perf_counter() - decoded_s) * 1000, 2),
        )
        return BatchOutcome(self._result(batch, drafts, timings), _refused(drafts))

    def _decoded(self, batch: Batch) -> tuple[list[_Draft], NDArray[np.uint8]]:
        width, height = self._rules.input_wh
        images = np.empty((len(batch.frames), height, width, 3), np.uint8)
        drafts, filled = [], 0
        for frame in batch.frames:
            draft = _Draft(frame, refusal=frame.refusal)
            drafts.append(draft)
            if draft.refusal is not None:
                continue
            try:
                draft.size_wh = frame_size_wh(frame.jpeg)
                decode_into(frame.jpeg, images[filled])
            except BadFrame as error:
                draft.refusal = str(error)
            else:
                filled += 1
        return drafts, images[:filled]

    def _inferred(self, drafts: Sequence[_Draft], images: NDArray[np.uint8]) -> bool:
        answers = self._infer(images)
        if answers is None:
            return False
        decoded = [draft for draft in drafts if draft.refusal is None]
        for draft, answer in zip(decoded, answers, strict=True):
            if isinstance(answer, str):
                draft.refusal, draft.stage = answer, "consumer.infer"
            else:
                draft.output = answer
        return True

    def _result(self, batch: Batch, drafts: Sequence[_Draft], timings: Timings) -> BatchResult:
        frames = tuple(self._frame_result(draft) for draft in drafts)
        captured = [frame.captured_ns for frame in frames]
        topic, partition = batch.source
        headers = batch.frames[0].headers
        return BatchResult(
            batch_id=str(batch.batch_id),
            stream_id=stream_of_topic(topic),
            source=Source(topic, partition, batch.first_offset, batch.next_offset - 1),
            model=self._rules.model,
            closed_by=batch.closed_by,
            captured_first_ns=min(captured),
            captured_last_ns=max(captured),
            inferred_ns=self._now_ns(),
            timings=timings,
            frames=frames,
            evidence=self._evidence(batch, frames),
            traceparent=None if headers is None else headers.traceparent,
        )

    def _frame_result(self, draft: _Draft) -> FrameResult:
        frame, rules = draft.frame, self._rules
        found: tuple[Detection, ...] = ()
        if draft.output is not None and draft.size_wh is not None:
            found = detections_of(draft.output, draft.size_wh, rules.min_confidence, rules.labels)
        return FrameResult(frame.offset, frame.captured_ns, draft.size_wh, found, draft.refusal)

    def _evidence(self, batch: Batch, frames: Sequence[FrameResult]) -> tuple[EvidenceFrame, ...]:
        sizes_bytes = [len(frame.jpeg) for frame in batch.frames]
        chosen = chosen_frames(self._rules.evidence, frames)
        kept = within_budget(chosen, sizes_bytes, self._rules.evidence_budget_bytes)
        return tuple(
            EvidenceFrame(
                frames[at].offset,
                evidence_key(batch.batch_id, frames[at].offset, frames[at].captured_ns),
                batch.frames[at].jpeg,
            )
            for at in kept
        )


def _refused(drafts: Sequence[_Draft]) -> tuple[RefusedFrame, ...]:
    return tuple(
        RefusedFrame(
            draft.frame,
            DeadLetter(*draft.frame.source, draft.frame.offset, draft.stage, draft.refusal),
        )
        for draft in drafts
        if draft.refusal is not None
    )
