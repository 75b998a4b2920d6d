"""Goes on with the traces of sampled frames: which batches are traced, and from what on.

Wrapped around the parts of the consumer where traces are on. Where they are off, nothing here runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from consumer.batch_trace import SampledBatch
from consumer.batches import Batch
from consumer.detections import Answer, FrameOutput
from consumer.frame import FetchedFrame
from consumer.patience import Model
from consumer.settings import ModelSettings
from consumer.worker import BatchOutcome
from contracts.names import stream_of_topic
from runtime.tracing import step, within

if TYPE_CHECKING:
    from runtime.otel import Origin, Span, Tracer

_METHOD = "inference.GRPCInferenceService/ModelInfer"
"""gRPC's name of the method, and so of the span ("Semantic conventions for gRPC")."""


@dataclass(frozen=True, slots=True)
class _Sampled:
    """A frame of a batch whose trace goes on; in a new one where the frame was put back."""

    frame: FetchedFrame
    origin: "Origin"

    @property
    def is_replay(self) -> bool:
        """Whether its own trace has ended long ago, in the dead letters."""
        return self.frame.is_replay


class TracedWorker:
    """Has `work` done on batches, and tells of it where a batch holds a sampled frame."""

    def __init__(
        self, work: Callable[[Batch], BatchOutcome | None], tracer: "Tracer", group: str
    ) -> None:
        self._work = work
        self._tracer = tracer
        self._group = group

    def __call__(self, batch: Batch) -> BatchOutcome | None:
        """Return what `work` does, with the trace of the batch."""
        sampled = self._sampled(batch)
        if not sampled:
            return self._work(batch)
        trace = self._begun(batch, sampled)
        try:
            with within(trace.span):
                outcome = self._work(batch)
        except Exception as error:
            trace.fail(str(error), type(error).__name__)
            raise
        if outcome is None:
            trace.fail("told to stop: the batch will be read again", "stopped")
            return None
        trace.worked(outcome.result, [refused.letter for refused in outcome.refused])
        return replace(outcome, trace=trace)

    def _sampled(self, batch: Batch) -> list[_Sampled]:
        """Return the sampled frames, in order of offset, but those that were put back last."""
        found = [
            _Sampled(frame, origin)
            for frame in batch.frames
            if frame.headers is not None and frame.headers.traceparent is not None
            if (origin := self._tracer.origin(frame.headers.traceparent)) is not None
        ]
        return sorted(found, key=lambda sampled: sampled.is_replay)

    def _begun(self, batch: Batch, sampled: Sequence[_Sampled]) -> SampledBatch:
        first, *further = sampled
        links = [one.origin for one in further]
        if first.is_replay:
            # What went on with the old trace would stretch it over hours or days.
            span = self._start(batch, first.frame, None, [first.origin, *links])
        else:
            span = self._start(batch, first.frame, first.origin, links)
        _tell_gathered(span, batch, first.frame)
        here = self._tracer.origin(span.traceparent)
        others = {
            one.frame.offset: self._start(batch, one.frame, one.origin, [here] if here else [])
            for one in further
            if not one.is_replay
        }
        return SampledBatch(span, first.frame.offset, others)

    def _start(
        self,
        batch: Batch,
        frame: FetchedFrame,
        parent: "Origin | None",
        links: Sequence["Origin"],
    ) -> "Span":
        topic, partition = batch.source
        facts: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": topic,
            "messaging.destination.partition.id": str(partition),
            "messaging.consumer.group.name": self._group,
            "messaging.batch.message_count": len(batch.frames),
            "messaging.kafka.offset": frame.offset,
            "framerail.stream.id": stream_of_topic(topic),
            "framerail.batch.id": str(batch.batch_id),
            "framerail.batch.closed_by": batch.closed_by,
        }
        if frame.headers is not None and frame.headers.replay_of is not None:
            facts["framerail.replay_of"] = str(frame.headers.replay_of)
        return self._tracer.start(
            f"process {topic}", "consumer", facts, frame.fetched_ns, parent, links
        )


class TracedModel:
    """Asks `model`, and tells of each request; failed ones too."""

    def __init__(self, model: Model, settings: ModelSettings) -> None:
        self._model = model
        host, _, port = settings.triton_address.rpartition(":")
        self._facts: dict[str, str | int] = {
            "rpc.system.name": "grpc",
            "rpc.method": _METHOD,
            "server.address": host,
            "server.port": int(port),
            "framerail.model.name": settings.model_name,
        }

    def infer(self, images: NDArray[np.uint8]) -> Answer[FrameOutput]:
        """Return and raise what the model does."""
        with step(_METHOD, "client", self._facts | {"framerail.batch.images": len(images)}):
            return self._model.infer(images)


def _tell_gathered(span: "Span", batch: Batch, frame: FetchedFrame) -> None:
    closed_ns = batch.frames[0].fetched_ns + int(batch.gather_s * 1e9)
    span.child("gather", start_ns=frame.fetched_ns).end(max(closed_ns, frame.fetched_ns))
