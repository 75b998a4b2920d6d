"""Threads that work side by side and never hold up the end of the process."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Generic, TypeVar

T = TypeVar("T")
_Work = tuple[Future[T], Callable[[], T]]


class DaemonPool(Generic[T]):
    """A fixed number of threads, and a queue without bound before them.

    They are daemons, unlike those of ThreadPoolExecutor, for which the interpreter waits: a request
    that hangs must not keep a process that was told to stop.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._waiting: queue.SimpleQueue[_Work[T] | None] = queue.SimpleQueue()
        self._threads = threads
        for number in range(threads):
            # In our context, so that the log lines of the work name the service too.
            threading.Thread(
                target=copy_context().run,
                args=(self._run,),
                name=f"{name}-{number}",
                daemon=True,
            ).start()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Have something done as soon as a thread is free."""
        future: Future[T] = Future()
        self._waiting.put((future, work))
        return future

    def cancel_waiting(self) -> None:
        """Begin nothing more of what was submitted; what is under way is not waited for."""
        while True:
            try:
                work = self._waiting.get_nowait()
            except queue.Empty:
                return
            if work is not None:
                work[0].cancel()

    def close(self) -> None:
        """Begin nothing more and end each thread once what it has under way is done."""
        self.cancel_waiting()
        for _ in range(self._threads):
            self._waiting.put(None)

    def _run(self) -> None:
        while (asked := self._waiting.get()) is not None:
            future, work = asked
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except Exception as error:  # noqa: BLE001 - raised again by whoever asks the future
                future.set_exception(error)
