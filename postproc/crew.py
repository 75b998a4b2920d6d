"""Works on records side by side and hands back what became of them."""

import queue
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from kafka import TopicPartition

from postproc.records import ResultRecord
from runtime.daemon_pool import DaemonPool


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a record: done with, or given up at a stop; `error` is a defect of ours."""

    record: ResultRecord
    is_complete: bool
    error: BaseException | None = None


class Crew:
    """A fixed number of threads. All but the work itself is for one thread, which owns the crew."""

    def __init__(self, threads: int, work: Callable[[ResultRecord], bool]) -> None:
        self._work = work
        self._pool: DaemonPool[bool] = DaemonPool(threads, "upload")
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._in_flight: Counter[TopicPartition] = Counter()

    @property
    def in_flight(self) -> int:
        """Records that were submitted and not taken back."""
        return self._in_flight.total()

    def in_flight_of(self, partition: TopicPartition) -> int:
        """Records of one partition that were submitted and not taken back."""
        return self._in_flight[partition]

    def submit(self, record: ResultRecord) -> None:
        """Have a record worked on as soon as a thread is free."""
        self._in_flight[record.partition] += 1
        future = self._pool.submit(partial(self._work, record))
        future.add_done_callback(partial(self._ended, record))

    def take_done(self, timeout_s: float) -> Done | None:
        """Return a record that is done, waiting at most `timeout_s` seconds; None if none is."""
        try:
            done = self._done.get(timeout=timeout_s) if timeout_s > 0 else self._done.get_nowait()
        except queue.Empty:
            return None
        self._in_flight[done.record.partition] -= 1
        return done

    def _ended(self, record: ResultRecord, future: Future[bool]) -> None:
        error = future.exception()
        is_complete = error is None and future.result()
        self._done.put(Done(record, is_complete, error))
