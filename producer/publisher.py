"""Sends the frames of one stream to Kafka, in order, from a thread of its own."""

import threading
from collections.abc import Callable
from typing import Any, Protocol

from kafka.errors import KafkaError, KafkaTimeoutError

from contracts.frames import FrameHeaders
from contracts.names import frames_topic
from producer.frame_trace import StoredRecord
from producer.outbox import Entry, Outbox
from runtime.logs import Logger
from runtime.storms import StormFold

_TURN_S = 0.5
"""Seconds that the loop waits for a frame before it turns, so that a stuck one is noticed."""
_AFTER_DEFECT_S = 1.0


class RecordSender(Protocol):
    """What the publisher needs of a Kafka producer: `send` returns a future of kafka-python."""

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes,
        headers: list[tuple[str, bytes]],
        partition: int,
        timestamp_ms: int,
    ) -> Any:
        """Take a record for sending; the future tells what became of it."""


class Publisher:
    """Takes frames from the outbox until it is closed and empty, or publishing is given up."""

    def __init__(
        self,
        stream_id: str,
        outbox: Outbox,
        sender: RecordSender,
        beat: Callable[[], None],
        log: Logger,
        now_s: Callable[[], float],
    ) -> None:
        self._topic = frames_topic(stream_id)
        self._key = stream_id.encode()
        self._outbox = outbox
        self._sender = sender
        self._beat = beat
        self._log = log
        self._now_s = now_s
        self._storms = StormFold(now_s)
        self._is_abandoned = threading.Event()
        self.next_offset: int | None = None
        """The offset behind the newest acknowledged record; None before the first."""

    def run(self) -> None:
        """Publish until the outbox is drained or `abandon` is called."""
        while not (self._outbox.is_drained or self._is_abandoned.is_set()):
            self._beat()
            try:
                self._turn()
            except Exception:  # noqa: BLE001  # the loop's outermost guard
                self._log.exception("stream.publish_failed", topic=self._topic)
                self._is_abandoned.wait(_AFTER_DEFECT_S)

    def abandon(self) -> None:
        """Give up what still waits."""
        self._is_abandoned.set()

    def _turn(self) -> None:
        entry = self._outbox.take(_TURN_S)
        if entry is None:
            return
        try:
            self._publish(entry)
        except Exception:
            # A defect, which the loop tells of; the account must hold even so.
            self._outbox.refuse(entry)
            raise

    def _publish(self, entry: Entry) -> None:
        while True:
            begun_s = self._now_s()
            try:
                future = self._send(entry)
            except KafkaTimeoutError as error:
                # The topic is not known to the client, such as while a broker moves it. The frame
                # is kept, and the newer ones behind it wait within the buffer's bound.
                self._tell("stream.publish_waiting", error)
                self._beat()
                if self._is_abandoned.is_set():
                    return
            except KafkaError as error:
                self._refused(error, entry)
                return
            else:
                future.add_callback(self._acknowledged, entry, begun_s)
                future.add_errback(self._refused_later, entry)
                return

    def _send(self, entry: Entry) -> Any:
        frame = entry.frame
        headers = FrameHeaders(
            session=frame.session,
            seq=frame.seq,
            captured_ns=frame.captured_ns,
            clock=frame.clock,
            size_wh=frame.size_wh,
            dropped={str(reason): count for reason, count in entry.dropped.items()},
            traceparent=frame.trace.send(self._topic, len(frame.jpeg)),
        )
        return self._sender.send(
            self._topic,
            value=frame.jpeg,
            key=self._key,
            headers=headers.encode(),
            partition=0,
            timestamp_ms=frame.captured_ns // 1_000_000,
        )

    def _acknowledged(self, entry: Entry, begun_s: float, stored: StoredRecord) -> None:
        self.next_offset = stored.offset + 1
        self._outbox.acknowledge(entry, self._now_s() - begun_s)
        entry.frame.trace.stored(stored)

    def _refused_later(self, entry: Entry, error: Exception) -> None:
        self._refused(error, entry)

    def _refused(self, error: Exception, entry: Entry) -> None:
        self._outbox.refuse(entry)
        self._tell("stream.publish_refused", error)

    def _tell(self, event: str, error: Exception) -> None:
        unsaid = self._storms.admit((event, type(error)))
        if unsaid is not None:
            self._log.error(event, topic=self._topic, reason=str(error), unsaid=unsaid)
