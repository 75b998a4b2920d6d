"""What the trace of one batch is told. Most batches have one that says nothing.

process frames.<stream>     from the fetch of the sampled frame to the result's acknowledgement
  gather
  decode
  inference.GRPCInferenceService/ModelInfer    one for each request, failed ones too
  send results              whose context the result carries
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from contracts.deadletters import DeadLetter
from contracts.names import RESULTS_TOPIC
from contracts.results import BatchResult

if TYPE_CHECKING:
    from runtime.otel import Span


class StoredRecord(Protocol):
    """What a trace is told of kafka-python's RecordMetadata."""

    partition: int
    offset: int


class BatchTrace:
    """The trace of a batch without a sampled frame: it is told all the same, and forgets it."""

    def sending(self, result: BatchResult) -> BatchResult:
        """Note that the result is handed to Kafka, perhaps again; return it as it is to be sent."""
        return result

    def stored(self, record: StoredRecord) -> None:
        """Note that Kafka has acknowledged the result."""

    def refused(self, error: Exception) -> None:
        """Note that Kafka refuses the result."""


UNTRACED = BatchTrace()


class SampledBatch(BatchTrace):
    """The trace of a batch that holds sampled frames.

    `span` goes on with the trace of the first of them. The others, by their offset, have a span of
    their own in their own traces, from which a link leads here.
    """

    def __init__(self, span: "Span", offset: int | None, others: dict[int, "Span"]) -> None:
        self.span = span
        self._offset = offset
        self._others = others
        self._sending: Span | None = None

    def worked(self, result: BatchResult, letters: Sequence[DeadLetter]) -> None:
        """Note what came of the batch, before it is sent."""
        self.span.tell(
            {
                "framerail.model.name": result.model.name,
                "framerail.model.version": result.model.version,
                "framerail.batch.detections": sum(len(f.detections) for f in result.frames),
                "framerail.batch.pictures": len(result.evidence),
            }
        )
        for letter in letters:
            self._tell_refused(letter)

    def sending(self, result: BatchResult) -> BatchResult:
        """Start the span that the post-processor goes on from; another attempt is the same span."""
        if self._sending is None:
            self._sending = self.span.child(f"send {RESULTS_TOPIC}", "producer", _SENDING)
        return msgspec.structs.replace(result, traceparent=self._sending.traceparent)

    def stored(self, record: StoredRecord) -> None:
        """End the trace, as far as it is the consumer's."""
        if self._sending is not None:
            self._sending.tell(
                {
                    "messaging.destination.partition.id": str(record.partition),
                    "messaging.kafka.offset": record.offset,
                }
            )
        self._end()

    def refused(self, error: Exception) -> None:
        """End the trace for good."""
        self.fail(repr(error), type(error).__name__)

    def fail(self, reason: str, error_type: str) -> None:
        """End the trace where the batch came to nothing."""
        for span in self._open():
            span.fail(reason, error_type)
        self._end()

    def _tell_refused(self, letter: DeadLetter) -> None:
        told = {"framerail.frame.offset": letter.offset, "framerail.stage": letter.stage}
        self.span.event("frame.refused", told)
        own = self.span if letter.offset == self._offset else self._others.get(letter.offset)
        if own is not None:
            own.fail(letter.reason, letter.stage)

    def _open(self) -> list["Span"]:
        spans = [self._sending, self.span, *self._others.values()]
        return [span for span in spans if span is not None]

    def _end(self) -> None:
        for span in self._open():
            span.end()


_SENDING = {
    "messaging.system": "kafka",
    "messaging.operation.name": "send",
    "messaging.operation.type": "send",
    "messaging.destination.name": RESULTS_TOPIC,
}
