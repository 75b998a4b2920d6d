"""The consumer's loop: polls, gathers, hands batches to workers, writes results, commits."""

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Protocol

from consumer import metrics
from consumer.batches import Batch, BatchAssembler
from consumer.frame import FetchedFrame, FrameSource
from consumer.lanes import Lane
from consumer.reporting import report_fetched, report_written
from consumer.worker import BatchOutcome
from runtime.errors import TransientError
from runtime.health import Heartbeat
from runtime.logs import Logger
from runtime.stop import StopSignal

BUSY_POLL_S = 0.05
"""While batches are in flight the loop must come back soon to write their results."""
IDLE_POLL_S = 0.25


class Frames(Protocol):
    """Where frames are read and offsets committed."""

    def subscribe(self) -> None:
        """Begin to take part in the group."""

    def take_revoked(self) -> Iterable[FrameSource]:
        """Return the partitions that were taken from us since the last call."""

    def poll(self, timeout_s: float) -> list[FetchedFrame]:
        """Return the next frames, in order per partition; raise TransientError to try again."""

    def is_caught_up(self, source: FrameSource) -> bool:
        """Whether every frame of the partition has been returned."""

    def pause(self) -> None:
        """Return no frames until `resume`."""

    def resume(self) -> None:
        """Return frames again."""

    def commit(self, next_offsets: Mapping[FrameSource, int]) -> None:
        """Commit the offset to read next, per partition; raise TransientError to try again."""


class Acknowledgement(Protocol):
    """Tells whether what was written is safe."""

    @property
    def is_done(self) -> bool:
        """Whether it is."""


class Results(Protocol):
    """Where results and dead letters are written."""

    def send(self, outcome: BatchOutcome) -> Acknowledgement:
        """Hand over a result and its dead letters."""

    def flush(self, timeout_s: float) -> None:
        """Wait until all that was handed over is safe."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How batches are closed and how much overlaps; times in seconds."""

    batch_size: int
    max_batch_age_s: float
    max_batches_in_flight: int
    stop_timeout_s: float


Ticket = Future[BatchOutcome | None]


class ConsumerService:
    """One member of the consumer group; everything but the workers runs in the caller's thread."""

    def __init__(
        self,
        frames: Frames,
        results: Results,
        work: Callable[[Batch], BatchOutcome | None],
        limits: Limits,
        log: Logger,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._frames = frames
        self._results = results
        self._work = work
        self._limits = limits
        self._log = log
        self._now_s = now_s
        self._pool = ThreadPoolExecutor(limits.max_batches_in_flight, "batch")
        self._lanes: dict[FrameSource, Lane[Ticket, Acknowledgement]] = {}
        self._next_fetch: dict[FrameSource, int] = {}
        self._to_commit: dict[FrameSource, int] = {}
        self._is_paused = False

    def run(self, stop: StopSignal, heartbeat: Heartbeat) -> None:
        """Turn until the stop signal, then end what is in flight and commit it."""
        self._frames.subscribe()
        heartbeat.is_ready = True
        try:
            while not stop.is_set:
                self.turn()
                heartbeat.beat()
            self._finish()
        finally:
            heartbeat.is_ready = False
            self._pool.shutdown(wait=True, cancel_futures=True)

    def turn(self) -> None:
        """Poll once and move every batch as far as it goes."""
        try:
            frames = self._frames.poll(BUSY_POLL_S if self._is_busy else IDLE_POLL_S)
        except TransientError as error:
            self._log.warning("kafka.waiting", reason=str(error))
            frames = []
        self._forget(self._frames.take_revoked())
        for frame in frames:
            self._gather(frame)
        self._close_aged()
        self._advance()
        self._press_back()

    @property
    def _is_busy(self) -> bool:
        return bool(self._to_commit) or any(lane.is_busy for lane in self._lanes.values())

    def _gather(self, frame: FetchedFrame) -> None:
        lane = self._lanes.get(frame.source)
        if lane is None:
            limits = self._limits
            lane = Lane(BatchAssembler(limits.batch_size, limits.max_batch_age_s))
            self._lanes[frame.source] = lane
        expected = self._next_fetch.get(frame.source, frame.offset)
        report_fetched(frame, expected, self._log)
        self._next_fetch[frame.source] = frame.offset + 1
        for batch in lane.assembler.add(frame, self._now_s()):
            self._start(lane, batch)

    def _close_aged(self) -> None:
        for source, lane in self._lanes.items():
            if lane.assembler.waiting and self._frames.is_caught_up(source):
                batch = lane.assembler.close_aged(self._now_s())
                if batch is not None:
                    self._start(lane, batch)

    def _start(self, lane: Lane[Ticket, Acknowledgement], batch: Batch) -> None:
        lane.started(batch, self._pool.submit(self._work, batch))

    def _advance(self) -> None:
        for source, lane in self._lanes.items():
            while (done := lane.take_done(Future.done)) is not None:
                outcome = done.ticket.result()
                if outcome is None:  # told to stop while waiting for the model
                    lane.abandon()
                    break
                lane.flushing(done.batch, self._results.send(outcome))
                report_written(outcome, self._log)
            while (flushed := lane.take_flushed(_is_done)) is not None:
                self._to_commit[source] = flushed.batch.next_offset
        self._commit()

    def _commit(self) -> None:
        if not self._to_commit:
            return
        try:
            self._frames.commit(self._to_commit)
        except TransientError as error:
            self._log.warning("commit.failed", reason=str(error))
            return
        for source in self._to_commit:
            self._lanes[source].committed()
        self._to_commit = {}

    def _press_back(self) -> None:
        in_work = sum(lane.in_work for lane in self._lanes.values())
        metrics.IN_FLIGHT.set(in_work)
        metrics.WAITING.set(sum(lane.assembler.waiting for lane in self._lanes.values()))
        is_full = in_work >= self._limits.max_batches_in_flight
        # Again at every turn while full: a rebalance brings partitions that are not paused.
        if is_full:
            self._frames.pause()
        elif self._is_paused:
            self._frames.resume()
        self._is_paused = is_full

    def _forget(self, sources: Iterable[FrameSource]) -> None:
        """Drop partitions that went to somebody else, who reads again what was not committed."""
        for source in sources:
            self._lanes.pop(source, None)
            self._next_fetch.pop(source, None)
            self._to_commit.pop(source, None)

    def _finish(self) -> None:
        """Give batches in flight their time to be written and committed; the rest is read again."""
        deadline_s = self._now_s() + self._limits.stop_timeout_s
        while self._now_s() < deadline_s:
            tickets = [ticket for lane in self._lanes.values() for ticket in lane.tickets]
            wait(tickets, timeout=max(deadline_s - self._now_s(), 0))
            self._advance()
            self._results.flush(self._limits.stop_timeout_s)
            self._advance()
            if not tickets:
                return


def _is_done(acknowledgement: Acknowledgement) -> bool:
    return acknowledgement.is_done
