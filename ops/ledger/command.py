"""`framerail ledger`: proves that nothing is lost."""

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from ops.completion import known_streams
from ops.terminal import AsJson, answers, messages, print_document
from runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from ops.ledger.audit import Audit


def ledger(
    stream: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Only this stream.", autocompletion=known_streams),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Leave out what was captured before: 2025-11-22T17:20Z, or 90s, 10m, 2h, 1d ago.",
        ),
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Put the verdict into S3, where the viewer finds it.")
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Prove again and again, so long after each proof, until stopped: 30s, 10m.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prove that every captured frame is accounted for.

    From Kafka and S3 alone, and from nothing that a service says.

    For each stream: captured + replayed (put back from the dead letters) = published + dropped;
    published = inferred + dead-lettered + waiting; every promised picture is in S3 and leads back
    to its frame. Whatever is missing or doubled is named, and the exit code is 1. What Kafka's
    retention or S3's lifecycle has taken is no loss, unless it was never read. A frame waits if the
    consumers have not committed it yet, and a picture likewise.

    Reads all that Kafka holds of the frames, pictures included: --since makes it quick. With
    --every a line tells of each proof, and --json makes a document of it; a failure is told, and
    ends nothing.

    Examples:
        framerail ledger
        framerail ledger --stream cam1 --since 10m
        framerail ledger --since 2025-11-22T17:20:00+01:00 --json
        framerail ledger --since 2m --publish --every 30s
    """
    from ops.ledger.audit import Audit

    audit = Audit(stream, since, publish)
    audit.scope(datetime.now(UTC))  # refused before anything is asked
    if every is None:
        _prove(audit, as_json)
    else:
        _keep_proving(audit, _seconds(every), as_json)


def _prove(audit: "Audit", as_json: bool) -> None:
    from contracts.names import LEDGER_KEY
    from ops.ledger.audit import check_ledger
    from ops.ledger.tables import print_ledger
    from ops.progress import shown_progress

    with shown_progress(messages) as progress:
        found, _ = audit.run(progress.count)
    if audit.is_published:
        messages.print(f"published as {LEDGER_KEY} in the bucket of the pictures")
    if as_json:
        print_document(found)
    else:
        print_ledger(answers, found)
    check_ledger(found)


def _keep_proving(audit: "Audit", every_s: float, as_json: bool) -> None:
    from contracts.wall import LedgerVerdict
    from local.stopping import caught_signals
    from ops.ledger.audit import keep_proving
    from ops.ledger.publishing import line_of

    stop = threading.Event()

    def prove_once() -> LedgerVerdict:
        return audit.run(stop=stop)[1]

    def tell(verdict: LedgerVerdict) -> None:
        if as_json:
            print_document(verdict)
            return
        for line in (line_of(verdict), *verdict.problems):
            answers.print(f"{_now()}  {line}", markup=False, highlight=False, soft_wrap=True)

    def complain(said: str) -> None:
        messages.print(f"{_now()}  {said}", markup=False, highlight=False, soft_wrap=True)

    with caught_signals(stop):
        keep_proving(prove_once, every_s, stop, tell, complain)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _seconds(every: str) -> float:
    from ops.moments import duration_s

    try:
        every_s = duration_s(every)
    except ConfigurationError as error:
        raise ConfigurationError(f"--every: {error}") from error
    if every_s < 1:
        raise ConfigurationError(f"--every {every}: expected 1s or more")
    return every_s
