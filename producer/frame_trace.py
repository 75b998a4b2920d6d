"""What the trace of one frame is told on its way to Kafka. Most frames have one that says nothing.

frame                     from the decoding of its packet to Kafka's acknowledgement
  decode
  encode
  wait                    for the publisher, and for Kafka where it is slow
  send frames.<stream>    whose context the record carries
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from contracts.frames import DropReason

if TYPE_CHECKING:
    from runtime.otel import Span


class StoredRecord(Protocol):
    """What is told of kafka-python's RecordMetadata."""

    partition: int
    offset: int


class FrameTrace:
    """The trace of a frame that was not chosen: it is told all the same, and forgets it."""

    def send(self, topic: str, size_bytes: int) -> str | None:
        """Note that the frame is handed to Kafka, perhaps again; return its `traceparent`."""

    def stored(self, record: StoredRecord) -> None:
        """Note that Kafka has acknowledged the frame."""

    def dropped(self, reason: DropReason) -> None:
        """Note that the frame will not be published."""


UNTRACED = FrameTrace()


class SampledFrame(FrameTrace):
    """The trace of a frame that was chosen; `root` is its span, `ready_ns` when it was encoded."""

    def __init__(
        self, root: "Span", ready_ns: int, now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._root = root
        self._ready_ns = ready_ns
        self._now_ns = now_ns
        self._sending: Span | None = None

    def send(self, topic: str, size_bytes: int) -> str | None:
        """Start the span that the consumer goes on from; another attempt is the same span."""
        if self._sending is None:
            now_ns = self._now_ns()
            self._root.child("wait", start_ns=self._ready_ns).end(now_ns)
            self._sending = self._root.child(
                f"send {topic}", "producer", _message(topic, size_bytes), now_ns
            )
        return self._sending.traceparent

    def stored(self, record: StoredRecord) -> None:
        """End the trace, as far as it is the producer's."""
        if self._sending is not None:
            self._sending.tell(
                {
                    "messaging.destination.partition.id": str(record.partition),
                    "messaging.kafka.offset": record.offset,
                }
            )
            self._sending.end()
        self._root.end()

    def dropped(self, reason: DropReason) -> None:
        """End the trace for good: nothing of this frame goes on."""
        for span in (self._sending, self._root):
            if span is not None:
                span.fail(f"dropped: {reason}", reason)
                span.end()


def _message(topic: str, size_bytes: int) -> dict[str, str | int]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
        "messaging.message.body.size": size_bytes,
    }
