"""The consumer's loop: polls, gathers, hands batches to workers, writes results, commits."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import partial

from consumer import metrics
from consumer.batches import Batch, BatchAssembler
from consumer.frame import FetchedFrame, FrameSource
from consumer.lanes import Lane
from consumer.protocols import Frames, Handed, Results
from consumer.reporting import report_fetched, report_safe, report_written
from consumer.worker import BatchOutcome
from runtime.daemon_pool import DaemonPool
from runtime.errors import FramerailError, TransientError
from runtime.group_consumer import COMMIT_TIMEOUT_S
from runtime.health import Heartbeat
from runtime.logs import Logger
from runtime.metrics import COMMIT_FAILURES
from runtime.stop import StopSignal

BUSY_POLL_S = 0.05
"""While batches are in flight the loop must come back soon to write their results."""
IDLE_POLL_S = 0.5
FULL_POLL_S = 0.01
"""With no room for another batch nothing is fetched: a poll only keeps the group."""
LAST_COMMIT_S = 1.0
"""What a stop leaves to its last commit, whatever inference and results took."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How batches are closed and how much overlaps; times in seconds."""

    batch_size: int
    max_batch_age_s: float
    max_batches_in_flight: int
    stop_timeout_s: float


Ticket = Future[BatchOutcome | None]
FrameLane = Lane[Ticket, Handed]


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
        self._pool = DaemonPool[BatchOutcome | None](limits.max_batches_in_flight, "batch")
        self._lanes: dict[FrameSource, FrameLane] = {}
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
            self._finish(stop.elapsed_s)
        finally:
            heartbeat.is_ready = False
            self._pool.cancel_waiting()

    def turn(self) -> None:
        """Poll once and move every batch as far as it goes."""
        try:
            frames = self._poll()
        except TransientError as error:
            self._log.warning("kafka.waiting", reason=str(error))
            frames = []
        self._forget(self._frames.take_revoked())
        for frame in frames:
            self._gather(frame)
        self._close_aged()
        try:
            self._advance(COMMIT_TIMEOUT_S)
        except TransientError as error:
            self._log.warning("kafka.waiting", reason=str(error))
        self._press_back()

    def _poll(self) -> list[FetchedFrame]:
        if not self._is_paused:
            return self._frames.poll(BUSY_POLL_S if self._is_busy else IDLE_POLL_S)
        working = [ticket for ticket in self._next_tickets if not ticket.done()]
        if not working:  # what is in flight waits for Kafka alone
            return self._frames.poll(BUSY_POLL_S)
        wait(working, BUSY_POLL_S, FIRST_COMPLETED)
        return self._frames.poll(FULL_POLL_S)

    @property
    def _next_tickets(self) -> list[Ticket]:
        """The tickets of those batches in work whose results may be written next."""
        return [lane.tickets[0] for lane in self._lanes.values() if lane.tickets]

    @property
    def _is_busy(self) -> bool:
        return bool(self._to_commit or self._in_flight)

    @property
    def _in_flight(self) -> int:
        return sum(lane.in_flight for lane in self._lanes.values())

    def _gather(self, frame: FetchedFrame) -> None:
        lane = self._lanes.get(frame.source)
        if lane is None:
            lane = self._open_lane(frame)
        report_fetched(frame, self._next_fetch[frame.source], self._log)
        self._next_fetch[frame.source] = frame.offset + 1
        for batch in lane.assembler.add(frame, self._now_s()):
            self._start(lane, batch)

    def _open_lane(self, frame: FetchedFrame) -> FrameLane:
        """Begin with a partition where the group left off, so that what has expired is noticed."""
        try:
            begun = self._frames.committed(frame.source)
        except TransientError as error:
            self._log.warning("kafka.waiting", reason=str(error))
            begun = None
        self._next_fetch[frame.source] = frame.offset if begun is None else begun
        assembler = BatchAssembler(self._limits.batch_size, self._limits.max_batch_age_s)
        lane: FrameLane = Lane(assembler)
        self._lanes[frame.source] = lane
        return lane

    def _close_aged(self) -> None:
        """Close by age where the log has no more: while fetching pauses, nobody looks for more."""
        if self._is_paused:
            return
        now_s = self._now_s()
        aged = [source for source, lane in self._lanes.items() if lane.assembler.is_aged(now_s)]
        try:
            ended = self._frames.caught_up(aged) if aged else set()
        except TransientError as error:
            self._log.warning("kafka.waiting", reason=str(error))
            return
        for source in ended:
            lane = self._lanes[source]
            self._start(lane, lane.assembler.close_aged(now_s))

    def _start(self, lane: FrameLane, batch: Batch) -> None:
        lane.started(batch, self._pool.submit(partial(self._work, batch)))

    def _advance(self, commit_timeout_s: float) -> None:
        for source, lane in self._lanes.items():
            self._write(lane)
            while (flushed := lane.take_flushed(_is_done)) is not None:
                self._to_commit[source] = flushed.batch.next_offset
                report_safe(flushed.batch, self._now_s() - flushed.ticket.at_s)
        self._commit(commit_timeout_s)

    def _write(self, lane: FrameLane) -> None:
        while (done := lane.next_done(Future.done)) is not None:
            outcome = done.result()
            if outcome is None:  # told to stop while waiting for the model
                lane.abandon()
                return
            at_s = self._now_s()
            lane.flushing(Handed(self._results.send(outcome), at_s))
            report_written(outcome, self._log)

    def _commit(self, timeout_s: float) -> None:
        if not self._to_commit:
            return
        try:
            self._frames.commit(self._to_commit, timeout_s)
        except TransientError as error:
            COMMIT_FAILURES.inc()
            self._log.warning("commit.failed", reason=str(error))
            return
        for source in self._to_commit:
            self._lanes[source].committed()
        self._to_commit = {}

    def _press_back(self) -> None:
        metrics.IN_FLIGHT.set(self._in_flight)
        metrics.WAITING.set(sum(lane.assembler.waiting for lane in self._lanes.values()))
        is_full = self._in_flight >= self._limits.max_batches_in_flight
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

    def _finish(self, elapsed_s: float) -> None:
        """Give batches in flight their time to be written and committed; the rest is read again.

        `elapsed_s` of that time, in seconds, have passed since the stop signal.
        """
        deadline_s = self._now_s() + self._limits.stop_timeout_s - elapsed_s
        reason = "stop_timeout_s has passed"
        try:
            self._finish_some(deadline_s)
            while self._in_flight and not self._to_commit and self._now_s() < deadline_s:
                self._finish_some(deadline_s)
        except FramerailError as error:
            reason = str(error)
        if self._is_busy:
            self._log.warning(
                "stop.unfinished",
                batches=self._in_flight,
                uncommitted=len(self._to_commit),
                reason=reason,
            )

    def _finish_some(self, deadline_s: float) -> None:
        """Take all lanes one batch further; what is left to commit afterwards could not be.

        After `deadline_s` nothing is waited for but a last commit.
        """
        tickets = [ticket for lane in self._lanes.values() for ticket in lane.tickets]
        wait(tickets, max(deadline_s - self._now_s(), 0.0))
        self._advance(self._left_to_commit_s(deadline_s))
        try:
            self._results.flush(max(deadline_s - self._now_s(), 0.0))
        except TransientError as error:
            self._log.warning("kafka.waiting", reason=str(error))
        self._advance(self._left_to_commit_s(deadline_s))

    def _left_to_commit_s(self, deadline_s: float) -> float:
        return min(max(deadline_s - self._now_s(), LAST_COMMIT_S), COMMIT_TIMEOUT_S)


def _is_done(handed: Handed) -> bool:
    return handed.acknowledgement.is_done
