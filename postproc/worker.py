"""What is done with one record of `results`: drawn and stored, or sent to the dead letters."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from contracts.deadletters import Stage
from contracts.frames import is_replay
from contracts.results import BatchResult, EvidenceFrame, FrameResult
from postproc import metrics
from postproc.pictures import Picture, PictureLimits, draw_picture
from postproc.records import ResultRecord
from postproc.results import evidence_frames, read_result
from runtime.errors import InvalidInput
from runtime.logs import Logger
from runtime.metrics import DEAD_LETTERS, STREAM_LABELS
from runtime.tracing import mark_failed, step


class Store(Protocol):
    """Where pictures go."""

    def put(self, picture: Picture) -> bool:
        """Return True once the picture is stored, or False if the service was told to stop."""


class DeadLetters(Protocol):
    """Where refused records go."""

    def send(self, record: ResultRecord, stage: Stage, reason: str) -> bool:
        """Return True once the record is kept, or False if the service was told to stop."""


Traced = Callable[[ResultRecord, BatchResult], AbstractContextManager[None]]
"""Tells, or does not, of the work that is done on a result within the block."""


def untraced(_record: ResultRecord, _result: BatchResult) -> AbstractContextManager[None]:
    """Tell of no result."""
    return nullcontext()


class RecordWorker:
    """Works on records, several at once from different threads."""

    def __init__(
        self,
        limits: PictureLimits,
        store: Store,
        dead_letters: DeadLetters,
        log: Logger,
        now_ns: Callable[[], int] = time.time_ns,
        traced: Traced = untraced,
    ) -> None:
        self._limits = limits
        self._store = store
        self._dead_letters = dead_letters
        self._log = log
        self._now_ns = now_ns
        self._traced = traced

    def __call__(self, record: ResultRecord) -> bool:
        """Return whether the record is done with, so that its offset may be committed."""
        try:
            result = read_result(record.value, record.headers)
        except InvalidInput as error:
            return self._refuse(record, "postproc.read", str(error))
        metrics.RESULTS_READ.labels(STREAM_LABELS(result.stream_id)).inc()
        with self._traced(record, result):
            return self._store_pictures(record, result)

    def _store_pictures(self, record: ResultRecord, result: BatchResult) -> bool:
        frames = evidence_frames(result)
        refusals = []
        for chosen in result.evidence:
            frame = frames[chosen.offset]
            try:
                picture = self._draw(result, frame, chosen)
            except InvalidInput as error:
                refusals.append(f"frame {chosen.offset}: {error}")
                continue
            if not self._keep(result, frame, picture):
                return False
        if refusals and not self._refuse(record, "postproc.draw", "; ".join(refusals)):
            return False
        if not is_replay(record.headers):
            stream_id = STREAM_LABELS(result.stream_id)
            metrics.NEWEST_STORED.reached(stream_id, result.captured_last_ns)
        return True

    def _draw(self, result: BatchResult, frame: FrameResult, chosen: EvidenceFrame) -> Picture:
        with metrics.DRAW_SECONDS.time(), step("draw", attributes={"aws.s3.key": chosen.key}):
            return draw_picture(result, frame, chosen, self._limits)

    def _keep(self, result: BatchResult, frame: FrameResult, picture: Picture) -> bool:
        if not self._store.put(picture):
            return False
        stream_id = STREAM_LABELS(result.stream_id)
        age_s = (self._now_ns() - frame.captured_ns) / 1e9
        metrics.EVIDENCE_STORED.labels(stream_id).inc()
        metrics.EVIDENCE_BYTES.labels(stream_id).inc(len(picture.jpeg))
        metrics.CAPTURE_TO_EVIDENCE_SECONDS.labels(stream_id).observe(age_s)
        self._log.info(
            "evidence.stored",
            topic=result.source.topic,
            partition=result.source.partition,
            offset=frame.offset,
            key=picture.key,
            detections=len(frame.detections),
            age_s=round(age_s, 3),
        )
        return True

    def _refuse(self, record: ResultRecord, stage: Stage, reason: str) -> bool:
        self._log.warning(
            "result.refused",
            topic=record.partition.topic,
            partition=record.partition.partition,
            offset=record.offset,
            stage=stage,
            reason=reason,
        )
        mark_failed(reason, stage)
        if not self._dead_letters.send(record, stage, reason):
            return False
        DEAD_LETTERS.labels(stage).inc()
        return True
