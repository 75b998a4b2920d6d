"""What is done with one closed batch: decoded, inferred, and made into its result."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from consumer.batch_trace import UNTRACED, BatchTrace
from consumer.batches import Batch
from consumer.decode import BadFrame, decode_into, frame_size_wh
from consumer.detections import Answer, FrameOutput, Refusal, detections_of
from consumer.evidence import chosen_frames, within
from consumer.frame import FetchedFrame
from contracts.deadletters import MAX_REASON_CHARS, DeadLetter, Stage
from contracts.names import evidence_key, stream_of_topic
from contracts.results import (
    BatchResult,
    Detection,
    EvidenceFrame,
    FrameResult,
    Model,
    Source,
    Timings,
    encode_result,
)
from runtime.tracing import step


class Inference(Protocol):
    """Asks the model about some images."""

    def __call__(self, images: NDArray[np.uint8]) -> Answer[FrameOutput | Refusal] | None:
        """Return, per image, its output or why the model refused it; None if told to stop."""


@dataclass(frozen=True, slots=True)
class ResultRules:
    """How the model's answers become a result; `labels` names class id N at position N.

    `model` is named by a result whose frames reached no model.
    """

    model: Model
    input_wh: tuple[int, int]
    labels: Sequence[str]
    min_confidence: float
    evidence: str
    max_result_bytes: int


@dataclass(frozen=True, slots=True)
class RefusedFrame:
    """A record for the dead letters."""

    frame: FetchedFrame
    letter: DeadLetter


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The result of one batch, and the frames that reached no model.

    `trace` is told what becomes of the result.
    """

    result: BatchResult
    refused: tuple[RefusedFrame, ...]
    trace: BatchTrace = UNTRACED


@dataclass(slots=True)
class _Draft:
    """One frame while it is worked on."""

    frame: FetchedFrame
    size_wh: tuple[int, int] | None = None
    refusal: str | None = None
    stage: Stage = "consumer.decode"
    attempts: int = 1
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
        with step("decode"):
            drafts, images = self._decoded(batch)
        decoded_s = time.perf_counter()
        model = self._rules.model
        if len(images):
            answer = self._infer(images)
            if answer is None:
                return None
            _take_answer(drafts, answer)
            model = answer.model
        timings = Timings(
            gather_ms=round(batch.gather_s * 1000, 2),
            decode_ms=round((decoded_s - begun_s) * 1000, 2),
            infer_ms=round((time.perf_counter() - decoded_s) * 1000, 2),
        )
        result = self._with_evidence(self._result(batch, drafts, model, timings), batch)
        return BatchOutcome(result, _refused(drafts))

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
                decode_into(frame.jpeg, draft.size_wh, images[filled])
            except BadFrame as error:
                draft.refusal = str(error)
            else:
                filled += 1
        return drafts, images[:filled]

    def _result(
        self, batch: Batch, drafts: Sequence[_Draft], model: Model, timings: Timings
    ) -> BatchResult:
        frames = tuple(self._frame_result(draft) for draft in drafts)
        captured = [frame.captured_ns for frame in frames]
        topic, partition = batch.source
        return BatchResult(
            batch_id=str(batch.batch_id),
            stream_id=stream_of_topic(topic),
            source=Source(topic, partition, batch.first_offset, batch.next_offset - 1),
            model=model,
            closed_by=batch.closed_by,
            captured_first_ns=min(captured),
            captured_last_ns=max(captured),
            inferred_ns=self._now_ns(),
            timings=timings,
            frames=frames,
        )

    def _frame_result(self, draft: _Draft) -> FrameResult:
        frame, rules = draft.frame, self._rules
        found: tuple[Detection, ...] = ()
        if draft.output is not None and draft.size_wh is not None:
            found = detections_of(draft.output, draft.size_wh, rules.min_confidence, rules.labels)
        return FrameResult(frame.offset, frame.captured_ns, draft.size_wh, found, draft.refusal)

    def _with_evidence(self, result: BatchResult, batch: Batch) -> BatchResult:
        """Add the chosen pictures, as many as the document has room for."""
        candidates = [
            EvidenceFrame(
                frame.offset,
                evidence_key(batch.batch_id, frame.offset, frame.captured_ns),
                batch.frames[at].jpeg,
            )
            for at in chosen_frames(self._rules.evidence, result.frames)
            for frame in (result.frames[at],)
        ]
        room_bytes = self._rules.max_result_bytes - len(encode_result(result))
        return msgspec.structs.replace(result, evidence=within(room_bytes, candidates))


def _take_answer(drafts: Sequence[_Draft], answer: Answer[FrameOutput | Refusal]) -> None:
    decoded = [draft for draft in drafts if draft.refusal is None]
    for draft, found in zip(decoded, answer.images, strict=True):
        if isinstance(found, Refusal):
            draft.refusal, draft.stage = found.reason[:MAX_REASON_CHARS], "consumer.infer"
            draft.attempts = found.attempts
        else:
            draft.output = found


def _refused(drafts: Sequence[_Draft]) -> tuple[RefusedFrame, ...]:
    return tuple(
        RefusedFrame(
            draft.frame,
            DeadLetter(
                *draft.frame.source, draft.frame.offset, draft.stage, draft.refusal, draft.attempts
            ),
        )
        for draft in drafts
        if draft.refusal is not None
    )
