"""Proves once, or again and again until it is stopped."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.errors import InvalidRecord
from contracts.names import checked_stream_id
from contracts.wall import LedgerVerdict
from ops.failures import Interrupted
from ops.ledger.kafka_books import Scope
from ops.ledger.proof import prove
from ops.ledger.publishing import publish, verdict_of
from ops.ledger.reading import Counted, say_nothing
from ops.ledger.verdict import Ledger
from ops.moments import epoch_ms, moment_of
from ops.target import chosen_target
from runtime.errors import ConfigurationError, FramerailError

SOON_S = 5.0
"""Until a frame has been inferred the next proof comes as soon: a pipeline has just started."""


class BooksDoNotClose(FramerailError):
    """Something is missing, doubled or not what it should be."""


@dataclass(frozen=True, slots=True)
class Audit:
    """A look at the books of one stream or all, from a time as a person writes it on, or ever.

    `is_published`: the verdict goes to S3 too.
    """

    stream: str | None
    since: str | None
    is_published: bool = False

    def scope(self, now: datetime) -> Scope:
        """Return what is read; raise ConfigurationError for what names no stream or time."""
        try:
            stream_id = None if self.stream is None else checked_stream_id(self.stream)
        except InvalidRecord as error:
            raise ConfigurationError(f"--stream: {error}") from error
        try:
            begin = None if self.since is None else moment_of(self.since, now)
        except ConfigurationError as error:
            raise ConfigurationError(f"--since: {error}") from error
        if begin is not None and begin > now:
            raise ConfigurationError(f"--since: time {self.since!r} lies in the future")
        return Scope(stream_id, None if begin is None else epoch_ms(begin))

    def run(
        self, counted: Counted = say_nothing, stop: threading.Event | None = None
    ) -> tuple[Ledger, LedgerVerdict]:
        """Return what is proven now, and what watchers are told of it.

        Raises as `ops.ledger.proof.prove` does, and Interrupted once `stop` is set.
        """
        now, target = datetime.now(UTC), chosen_target()
        found = prove(target, self.scope(now), now, counted, _ended_by(stop))
        verdict = verdict_of(found, now)
        if self.is_published:
            publish(target, verdict)
        return found, verdict


def check_ledger(found: Ledger) -> None:
    """Raise BooksDoNotClose, naming the streams, unless the books close."""
    open_streams = [stream_id for stream_id, stream in found.streams.items() if not stream.closed]
    if found.results_expired_unread:
        open_streams.append("results")
    if open_streams:
        raise BooksDoNotClose(f"the books do not close: {', '.join(open_streams)}")


def keep_proving(
    prove_once: Callable[[], LedgerVerdict],
    every_s: float,
    stop: threading.Event,
    tell: Callable[[LedgerVerdict], None],
    complain: Callable[[str], None],
) -> None:
    """Prove until `stop` is set, `every_s` seconds between two proofs; a failure ends nothing."""
    wait_s = min(every_s, SOON_S)
    while not stop.is_set():
        try:
            verdict = prove_once()
            tell(verdict)
            if verdict.inferred:
                wait_s = every_s
        except Interrupted:
            return
        except FramerailError as error:
            complain(f"{error}; tried again in {wait_s:g} s")
        stop.wait(wait_s)


def _ended_by(stop: threading.Event | None) -> Callable[[], None]:
    def check() -> None:
        if stop is not None and stop.is_set():
            raise Interrupted("interrupted")

    return check
