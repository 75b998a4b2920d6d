"""Proves from Kafka and S3, and from nothing that a service says, that no frame was lost."""

from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from contracts.names import frames_topic
from ops.ledger.kafka_books import KafkaBooks, Scope
from ops.ledger.lifecycle import kept_days
from ops.ledger.pictures import Pictures
from ops.ledger.reading import Counted, ReadCount, say_nothing
from ops.ledger.tally import StreamTally
from ops.ledger.verdict import (
    Evidence,
    Ledger,
    PictureVerdicts,
    StreamLedger,
    ledger_of,
    stream_ledger,
)
from ops.suggestion import nearest
from ops.target import CONNECTIONS, Target
from runtime.errors import ConfigurationError
from runtime.log_reader import never_stop
from runtime.s3 import place_of


@dataclass(frozen=True, slots=True)
class _Sources:
    """What has been read of Kafka, and where the pictures are asked for."""

    books: KafkaBooks
    pictures: Pictures
    now: datetime
    count: ReadCount


def prove(
    target: Target,
    scope: Scope,
    now: datetime,
    counted: Counted = say_nothing,
    between_reads: Callable[[], None] = never_stop,
) -> Ledger:
    """Return the account of every stream in the scope.

    `counted` is told how far it is; what `between_reads` raises, asked now and then, ends it.
    Raises ConfigurationError if the scope names a stream that has no topic, or S3 refuses us;
    DependencyError or TransientError if Kafka or S3 does not answer.
    """
    s3 = Pictures(target.s3(), target.settings.s3_bucket, place_of(target.settings), CONNECTIONS)
    with closing(s3), closing(KafkaBooks(target, scope, between_reads, counted)) as books:
        tallies = books.read()
        if scope.stream_id is not None and not tallies:
            raise ConfigurationError(_no_such_stream(scope.stream_id, books.streams))
        promised = sum(tally.promised for tally in tallies.values())
        sources = _Sources(books, s3, now, ReadCount(counted, "pictures", promised, "pictures"))
        rules = s3.lifecycle()
        streams = {
            stream_id: _proven(sources, tally, kept_days(rules or [], stream_id))
            for stream_id, tally in tallies.items()
        }
    return ledger_of(
        streams,
        None if scope.since_ms is None else _as_text(scope.since_ms),
        books.results_expired_unread,
        [*_notes(books, streams), *([_NO_RULES] if rules is None else [])],
    )


def _proven(sources: _Sources, tally: StreamTally, days: int | None) -> StreamLedger:
    books = sources.books
    evidence = Evidence(
        results_committed=books.results_committed,
        refusals=books.refusals,
        letters_gone_until_ms=books.letters_gone_until_ms,
        kept_days=days,
        now=sources.now,
    )
    verdicts = PictureVerdicts(evidence)
    for promise, metadata in sources.pictures.look_up(tally.promises()):
        verdicts.judge(promise, metadata)
        sources.count.add(1)
    return stream_ledger(tally, verdicts)


def _no_such_stream(stream_id: str, known: Iterable[str]) -> str:
    return f"--stream: no topic {frames_topic(stream_id)}{nearest(stream_id, known)}"


_NO_RULES = (
    "S3 does not tell by what rules it deletes (it may need s3:GetLifecycleConfiguration): a "
    "picture that such a rule has deleted counts as missing"
)


def _notes(books: KafkaBooks, streams: dict[str, StreamLedger]) -> list[str]:
    groups = books.groups
    notes = [
        f"group {groups.consumer_group!r} has committed nothing of {stream_id}: frames behind "
        "its last result count as waiting; is FRAMERAIL_CONSUMER_GROUP right?"
        for stream_id, stream in streams.items()
        if stream.committed is None and stream.published
    ]
    if books.results_committed is None and any(
        stream.pictures.waiting for stream in streams.values()
    ):
        notes.append(
            f"group {groups.postproc_group!r} has committed nothing of results: pictures that are "
            "not in S3 count as waiting; is FRAMERAIL_POSTPROC_GROUP right?"
        )
    notes += [
        f"{count} frames of {stream_id} are left out: their results may have expired"
        for stream_id, count in books.left_out.items()
    ]
    if books.unreadable_results:
        notes.append(f"{books.unreadable_results} records of results are no results")
    return notes


def _as_text(moment_ms: int) -> str:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).isoformat(timespec="milliseconds")
