"""`framerail ledger`: proves that nothing is lost."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from contracts.errors import InvalidRecord
from contracts.names import checked_stream_id
from ops.ledger.kafka_books import Scope
from ops.ledger.proof import prove
from ops.ledger.tables import print_ledger
from ops.ledger.verdict import Ledger
from ops.moments import epoch_ms, moment_of
from ops.progress import shown_progress
from ops.target import chosen_target
from runtime.errors import ConfigurationError, FramerailError

answers = Console()
messages = Console(stderr=True)


class BooksDoNotClose(FramerailError):
    """Something is missing, doubled or not what it should be."""


def ledger(
    stream: Annotated[str | None, typer.Option(help="Only this stream.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            help="Leave out what was captured before: 2025-11-22T17:20Z, or 90s, 10m, 2h, 1d ago."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, on the last line.")
    ] = False,
) -> None:
    """Prove from Kafka and S3 that every captured frame is accounted for.

    For each stream: captured + replayed (put back from the dead letters) = published + dropped;
    published = inferred + dead-lettered + waiting; every promised picture is in S3 and leads back
    to its frame. Whatever is missing or doubled is named, and the exit code is 1. What Kafka's
    retention or S3's lifecycle has taken is no loss, unless it was never read. A frame waits if the
    consumers have not committed it yet, and a picture likewise.

    Reads all that Kafka holds of the frames, pictures included: --since makes it quick. Examples:

    framerail ledger

    framerail ledger --stream cam1 --since 10m

    framerail ledger --since 2025-11-22T17:20:00+01:00 --json
    """
    now = datetime.now(UTC)
    scope = _scope(stream, since, now)
    with shown_progress(messages) as progress:
        found = prove(chosen_target(), scope, now, progress)
    if as_json:
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    else:
        print_ledger(answers, found)
    check_ledger(found)


def check_ledger(found: Ledger) -> None:
    """Raise BooksDoNotClose, naming the streams, unless the books close."""
    open_streams = [stream_id for stream_id, stream in found.streams.items() if not stream.closed]
    if found.results_expired_unread:
        open_streams.append("results")
    if open_streams:
        raise BooksDoNotClose(f"the books do not close: {', '.join(open_streams)}")


def _scope(stream: str | None, since: str | None, now: datetime) -> Scope:
    try:
        stream_id = None if stream is None else checked_stream_id(stream)
    except InvalidRecord as error:
        raise ConfigurationError(f"--stream: {error}") from error
    try:
        begin = None if since is None else moment_of(since, now)
    except ConfigurationError as error:
        raise ConfigurationError(f"--since: {error}") from error
    if begin is not None and begin > now:
        raise ConfigurationError(f"--since: time {since!r} lies in the future")
    return Scope(stream_id, None if begin is None else epoch_ms(begin))
