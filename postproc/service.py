"""The loop: takes records as there is room, and commits each once its pictures are stored."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from kafka import TopicPartition

from postproc import metrics
from postproc.crew import Crew, Done
from postproc.kafka_source import Owner
from postproc.offsets import CompletedOffsets
from postproc.records import ResultRecord
from runtime.errors import DependencyError, TransientError
from runtime.group_consumer import COMMIT_TIMEOUT_S
from runtime.health import Heartbeat
from runtime.logs import Logger
from runtime.metrics import COMMIT_FAILURES
from runtime.stop import StopSignal

BUSY_POLL_S = 0.1
"""While records are in flight the loop must come back soon to commit them."""
IDLE_POLL_S = 0.5
LAST_COMMIT_S = 1.0
"""What a stop leaves to the last commit, whatever its uploads took."""
FULL_WAIT_S = 0.5
"""With no room left it waits for a record to end, but never so long that the group misses us."""


class ResultSource(Protocol):
    """Where records are read and offsets committed."""

    def subscribe(self, owner: Owner) -> None:
        """Begin to take part in the group."""

    def poll(self, max_records: int, timeout_s: float) -> list[ResultRecord]:
        """Return the next records; raise TransientError to try again."""

    def commit(self, next_offsets: Mapping[TopicPartition, int], timeout_s: float) -> None:
        """Commit the offset to read next, per partition; raise TransientError to try again."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many records overlap, and how long they may take to end, in seconds.

    While a partition is handed over the client sends no heartbeat: `handover_s` must leave the
    group's session timeout far away.
    """

    max_in_flight: int
    stop_timeout_s: float
    handover_s: float


class PostprocService:
    """One member of the group; everything but the crew's work runs in one thread at a time."""

    def __init__(
        self,
        source: ResultSource,
        crew: Crew,
        limits: Limits,
        log: Logger,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._crew = crew
        self._limits = limits
        self._log = log
        self._now_s = now_s
        self._offsets = CompletedOffsets[TopicPartition]()
        self._to_commit: dict[TopicPartition, int] = {}
        self._handover_s = limits.handover_s
        self._defect: BaseException | None = None

    def run(self, stop: StopSignal, heartbeat: Heartbeat) -> None:
        """Turn until the stop signal, then end what is in flight and commit it."""
        self._source.subscribe(self)
        heartbeat.is_ready = True
        try:
            while not stop.is_set:
                self.turn()
                heartbeat.beat()
            self.finish(stop.elapsed_s)
        finally:
            heartbeat.is_ready = False

    def turn(self) -> None:
        """Take what there is room for, and commit what is done."""
        room = self._limits.max_in_flight - self._crew.in_flight
        if room <= 0:
            self._collect(FULL_WAIT_S)
            room = self._limits.max_in_flight - self._crew.in_flight
        try:
            records = self._source.poll(room, self._poll_s if room > 0 else 0.0)
        except TransientError as error:
            self._log.warning("kafka.waiting", reason=str(error))
            records = []
        for record in records:
            self._offsets.begin(record.partition, record.offset, record.offset + 1)
            self._crew.submit(record)
        self._collect(0)
        self._commit(COMMIT_TIMEOUT_S)
        self._raise_defect()

    @property
    def _poll_s(self) -> float:
        return BUSY_POLL_S if self._crew.in_flight else IDLE_POLL_S

    def finish(self, elapsed_s: float = 0.0) -> None:
        """Wait for the records in flight, but no longer than the limit, and commit.

        `elapsed_s` of that time, in seconds, have passed since the stop signal.
        """
        deadline_s = self._now_s() + self._limits.stop_timeout_s - elapsed_s
        while self._crew.in_flight and (left_s := deadline_s - self._now_s()) > 0:
            self._collect(min(left_s, FULL_WAIT_S))
        self._handover_s = 0.0
        self._commit_last(min(max(deadline_s - self._now_s(), LAST_COMMIT_S), COMMIT_TIMEOUT_S))
        self._raise_defect()

    def give_up(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Wait for the records in flight of these partitions; return the offsets to commit."""
        deadline_s = self._now_s() + self._handover_s
        while any(self._crew.in_flight_of(partition) for partition in partitions):
            left_s = deadline_s - self._now_s()
            if left_s <= 0:
                break
            self._collect(min(left_s, FULL_WAIT_S))
        next_offsets = {
            partition: self._to_commit[partition]
            for partition in partitions
            if partition in self._to_commit
        }
        self.forget(partitions)
        return next_offsets

    def forget(self, partitions: Collection[TopicPartition]) -> None:
        """Commit nothing more for these partitions; what was in flight is delivered again."""
        for partition in partitions:
            self._offsets.forget(partition)
            self._to_commit.pop(partition, None)

    def _collect(self, timeout_s: float) -> None:
        """Take back what is done, waiting for the first of it at most `timeout_s` seconds."""
        done = self._crew.take_done(timeout_s)
        while done is not None:
            self._settle(done)
            done = self._crew.take_done(0)
        self._to_commit.update(self._offsets.take_committable())
        metrics.RESULTS_IN_FLIGHT.set(self._crew.in_flight)

    def _settle(self, done: Done) -> None:
        if done.error is not None:
            # Not raised here: during a handover the client would take it for an error of its own.
            self._defect = self._defect or done.error
        elif done.is_complete:
            self._offsets.complete(done.record.partition, done.record.offset)

    def _raise_defect(self) -> None:
        if self._defect is not None:
            raise self._defect

    def _commit_last(self, timeout_s: float) -> None:
        try:
            self._commit(timeout_s)
        except DependencyError as error:
            self._log.warning("commit.refused", reason=str(error))
        if self._crew.in_flight or self._to_commit:
            self._log.warning(
                "stop.unfinished", results=self._crew.in_flight, uncommitted=len(self._to_commit)
            )

    def _commit(self, timeout_s: float) -> None:
        if not self._to_commit:
            return
        try:
            self._source.commit(self._to_commit, timeout_s)
        except TransientError as error:
            COMMIT_FAILURES.inc()
            self._log.warning("commit.waiting", reason=str(error))
        else:
            self._to_commit.clear()
