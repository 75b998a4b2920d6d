"""Threads that work on records side by side and hand back what became of them."""

import queue
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from kafka import TopicPartition

from postproc.records import ResultRecord


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a record: done with, or given up at a stop; `error` is a defect of ours."""

    record: ResultRecord
    is_complete: bool
    error: Exception | None = None


class Crew:
    """A fixed number of threads. All but the work itself is for one thread, which owns the crew.

    They are daemons, unlike those of ThreadPoolExecutor, for which the interpreter waits: an upload
    that hangs must not keep a process that was told to stop.
    """

    def __init__(self, threads: int, work: Callable[[ResultRecord], bool]) -> None:
        self._work = work
        self._waiting: queue.SimpleQueue[ResultRecord] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._in_flight: Counter[TopicPartition] = Counter()
        for number in range(threads):
            threading.Thread(target=self._run, name=f"upload-{number}", daemon=True).start()

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
        self._waiting.put(record)

    def take_done(self, timeout_s: float) -> Done | None:
        """Return a record that is done, waiting at most `timeout_s` seconds; None if none is."""
        try:
            done = self._done.get(timeout=timeout_s) if timeout_s > 0 else self._done.get_nowait()
        except queue.Empty:
            return None
        self._in_flight[done.record.partition] -= 1
        return done

    def _run(self) -> None:
        while True:
            record = self._waiting.get()
            try:
                done = Done(record, self._work(record))
            except Exception as error:  # noqa: BLE001 - raised again by the thread that owns us
                done = Done(record, is_complete=False, error=error)
            self._done.put(done)
