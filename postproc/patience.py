"""Stores a picture however long S3 is away: nothing is skipped, and a stop ends the wait."""

import random
import time
from collections.abc import Iterator
from typing import Protocol

from postproc import metrics
from postproc.pictures import Picture
from runtime.backoff import growing_waits
from runtime.errors import TransientError
from runtime.health import Heartbeat
from runtime.logs import Logger
from runtime.s3 import StoreRefused
from runtime.stop import StopSignal
from runtime.storms import StormFold

AWAY_S = (0.5, 30.0)
REFUSED_S = (5.0, 60.0)
"""First and longest wait, in seconds. A refusal waits for a person, so it is asked about slowly."""


class EvidenceStore(Protocol):
    """Where pictures are kept."""

    def put(self, picture: Picture) -> None:
        """Store one picture; raise TransientError, or StoreRefused if a person must heal it."""


class PatientStore:
    """Tries until a picture is stored; `heartbeat` is not ready while that fails."""

    def __init__(
        self,
        store: EvidenceStore,
        stop: StopSignal,
        heartbeat: Heartbeat,
        log: Logger,
        rng: random.Random,
    ) -> None:
        self._store = store
        self._stop = stop
        self._heartbeat = heartbeat
        self._log = log
        self._rng = rng
        self._fold = StormFold(time.monotonic)

    def put(self, picture: Picture) -> bool:
        """Return True once the picture is stored, or False if the service was told to stop."""
        away_s = growing_waits(*AWAY_S, self._rng)
        refused_s = growing_waits(*REFUSED_S, self._rng)
        while True:
            self._heartbeat.beat()
            begun_s = time.perf_counter()
            try:
                self._store.put(picture)
            except StoreRefused as error:
                has_stopped = self._waited("refused", error, picture.key, refused_s)
            except TransientError as error:
                has_stopped = self._waited("away", error, picture.key, away_s)
            else:
                metrics.UPLOAD_SECONDS.observe(time.perf_counter() - begun_s)
                self._heartbeat.is_ready = not self._stop.is_set
                return True
            if has_stopped:
                return False

    def _waited(self, cause: str, error: Exception, key: str, waits_s: Iterator[float]) -> bool:
        self._heartbeat.is_ready = False
        self._heartbeat.rest()
        metrics.STORE_FAILURES.labels(cause).inc()
        wait_s = next(waits_s)
        unsaid = self._fold.admit((cause, str(error)))
        if unsaid is not None:
            self._log.error(
                f"store.{cause}", reason=str(error), key=key, wait_s=round(wait_s, 1), unsaid=unsaid
            )
        return self._stop.wait(wait_s)
