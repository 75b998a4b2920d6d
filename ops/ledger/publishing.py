"""The newest verdict as an object in S3, for whoever watches: the viewer and `framerail watch`."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice

import msgspec

from contracts.names import LEDGER_KEY
from contracts.wall import LedgerVerdict
from ops.ledger.tables import KINDS, RESULTS_EXPIRED
from ops.ledger.verdict import Ledger, StreamLedger
from ops.moments import epoch_ms
from ops.target import Target
from runtime.s3 import explained, place_of

PROBLEMS_TOLD = 10
NAMES_TOLD = 3
"""Of one problem: a page shows that something is wrong, `framerail ledger` names all of it."""


def verdict_of(ledger: Ledger, at: datetime) -> LedgerVerdict:
    """Return what watchers are told of a ledger that was read at a time."""
    streams = ledger.streams.values()
    since = None if ledger.since is None else epoch_ms(datetime.fromisoformat(ledger.since))
    return LedgerVerdict(
        closed=ledger.closed,
        at_ms=epoch_ms(at),
        since_ms=since,
        streams=len(streams),
        captured=sum(stream.captured for stream in streams),
        published=sum(stream.published for stream in streams),
        replayed=sum(stream.replayed for stream in streams),
        dropped=sum(sum(stream.dropped.values()) for stream in streams),
        inferred=sum(stream.inferred for stream in streams),
        waiting=sum(stream.waiting for stream in streams),
        dead_lettered=sum(stream.dead_lettered for stream in streams),
        pictures=sum(stream.pictures.stored for stream in streams),
        missing_pictures=sum(stream.pictures.missing for stream in streams),
        problems=tuple(islice(_problems(ledger), PROBLEMS_TOLD)),
        notes=ledger.notes[:PROBLEMS_TOLD],
    )


def publish(target: Target, verdict: LedgerVerdict) -> None:
    """Write the verdict over the last one; errors are those of `runtime.s3`."""
    with explained(place_of(target.settings)):
        target.s3().put_object(
            Bucket=target.settings.s3_bucket,
            Key=LEDGER_KEY,
            Body=msgspec.json.encode(verdict),
            ContentType="application/json",
        )


def line_of(verdict: LedgerVerdict) -> str:
    """Return the verdict as one line of a log."""
    replayed = f" + replayed {verdict.replayed}" if verdict.replayed else ""
    return (
        f"the books {'close' if verdict.closed else 'do not close'}: "
        f"captured {verdict.captured}{replayed}, published {verdict.published}, "
        f"dropped {verdict.dropped}, inferred {verdict.inferred}, waiting {verdict.waiting}, "
        f"dead-lettered {verdict.dead_lettered}; {verdict.pictures} pictures in S3, "
        f"{verdict.missing_pictures} missing"
    )


def _problems(ledger: Ledger) -> Iterator[str]:
    for stream_id, stream in ledger.streams.items():
        for said in _of_stream(stream):
            yield f"{stream_id}: {said}"
    yield from (f"{RESULTS_EXPIRED}: {name}" for name in ledger.results_expired_unread)


def _of_stream(stream: StreamLedger) -> Iterator[str]:
    for kind, names in msgspec.structs.asdict(stream.named).items():
        if names:
            yield f"{KINDS[kind]} ({len(names)}): {_first(names)}"
    if not stream.adds_up and not any(msgspec.structs.astuple(stream.named)):
        yield "the sums do not add up"


def _first(names: Iterable[str]) -> str:
    told = list(names)
    return "; ".join(told[:NAMES_TOLD]) + (" ..." if len(told) > NAMES_TOLD else "")
