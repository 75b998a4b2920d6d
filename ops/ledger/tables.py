"""The ledger as a person is shown it."""

from collections.abc import Mapping

import msgspec
from rich.console import Console
from rich.text import Text

from ops.ledger.verdict import Ledger, StreamLedger
from ops.tables import print_by_stream
from ops.terminal import tell

RESULTS_EXPIRED = "results that expired before a post-processor had read them"
NAMES_SHOWN = 20
"""Of each kind and stream; `--json` has them all."""
KINDS = {
    "untold": "captured frames of which nothing is told",
    "expired_unread": "frames that expired before a consumer had read them",
    "lost": "published frames without a result",
    "doubled": "frames in batches of two ids",
    "without_dead_letter": "frames that reached no model and stand in no dead letter",
    "missing_pictures": "pictures that are not in S3",
    "mismatched_pictures": "pictures whose metadata leads elsewhere",
}


def print_ledger(console: Console, ledger: Ledger) -> None:
    """Print a column a stream, the sums, and by name whatever keeps the books from closing."""
    if not ledger.streams:
        console.print("no stream has a topic yet")
    else:
        since = "" if ledger.since is None else f", since {ledger.since}"
        title = f"What became of every frame{since}"
        print_by_stream(console, title, list(ledger.streams), _rows(ledger.streams))
    for stream_id, stream in ledger.streams.items():
        for line in [*_sums(stream), *_named(stream)]:
            _say(console, f"{stream_id}: {line}")
    for line in _of_all_streams(ledger):
        _say(console, line)
    if ledger.streams:
        verdict = Text("the books close", "green")
        console.print(verdict if ledger.closed else Text("the books do not close", "bold red"))


def _of_all_streams(ledger: Ledger) -> list[str]:
    return [
        *(f"{RESULTS_EXPIRED}: {name}" for name in ledger.results_expired_unread),
        *(f"note: {note}" for note in ledger.notes),
    ]


def _say(console: Console, line: str) -> None:
    tell(console, line, indent="  ")


def _rows(streams: Mapping[str, StreamLedger]) -> dict[str, list[str]]:
    reasons = sorted({reason for stream in streams.values() for reason in stream.dropped})
    ledgers = list(streams.values())
    fates = ("batches", "inferred", "dead_lettered", "waiting", "lost", "doubled")
    frames = (*fates, "expired", "expired_unread")
    pictures = ("promised", "stored", "mismatched", "waiting", "refused", "expired", "missing")
    rows = {"captured": [f"{one.captured}" for one in ledgers]}
    rows |= {f"  dropped: {r}": [f"{one.dropped.get(r, 0)}" for one in ledgers] for r in reasons}
    rows |= _counted(ledgers, {"replayed": "replayed", "published": "published"})
    rows |= _counted(ledgers, {name: f"  {name.replace('_', ' ')}" for name in frames})
    rows |= _counted(
        ledgers,
        {
            "dead_letters_missing": "dead letters missing",
            "dead_letters_expired": "dead letters expired",
        },
    )
    for name in pictures:
        label = "pictures promised" if name == "promised" else f"  pictures {name}"
        rows[label] = [f"{getattr(one.pictures, name)}" for one in ledgers]
    return rows


def _counted(ledgers: list[StreamLedger], names: Mapping[str, str]) -> dict[str, list[str]]:
    return {label: [f"{getattr(one, name)}" for one in ledgers] for name, label in names.items()}


def _sums(stream: StreamLedger) -> list[str]:
    told = stream.published + sum(stream.dropped.values())
    captured = stream.captured + stream.replayed
    fates = stream.inferred + stream.dead_lettered + stream.waiting
    pictures = stream.pictures
    found = pictures.stored + pictures.waiting + pictures.refused + pictures.expired
    return [
        f"captured {stream.captured} + replayed {stream.replayed} {_equals(captured, told)} "
        f"published {stream.published} + dropped {sum(stream.dropped.values())}",
        f"published {stream.published} {_equals(stream.published, fates)} inferred "
        f"{stream.inferred} + dead-lettered {stream.dead_lettered} + waiting {stream.waiting}",
        f"pictures promised {pictures.promised} {_equals(pictures.promised, found)} in S3 "
        f"{pictures.stored} + waiting {pictures.waiting} + refused {pictures.refused} + expired "
        f"{pictures.expired}",
    ]


def _equals(left: int, right: int) -> str:
    return "=" if left == right else "does not equal"


def _named(stream: StreamLedger) -> list[str]:
    lines = []
    for kind, names in msgspec.structs.asdict(stream.named).items():
        if names:
            lines.append(f"{KINDS[kind]} ({len(names)}):")
            lines += [f"  {name}" for name in names[:NAMES_SHOWN]]
        if len(names) > NAMES_SHOWN:
            lines.append(f"  and {len(names) - NAMES_SHOWN} more; --json names them all")
    return lines
