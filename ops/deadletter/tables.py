"""Dead letters as a person is shown them; what a camera or a client wrote is never obeyed."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.deadletters import DeadLetter
from ops.deadletter.letters import ListedLetter, groups
from ops.deadletter.restoring import KeptRecord
from ops.terminal import printable


def print_letters(console: Console, letters: Sequence[ListedLetter]) -> None:
    """Print a row a letter, then how many there are by stage and reason."""
    if not letters:
        console.print("no dead letters")
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("offset", justify="right")
    table.add_column("state")
    table.add_column("what was refused, where, when (UTC) and why", overflow="fold")
    for one in letters:
        state = Text(one.state, "yellow" if one.state == "open" else "dim")
        table.add_row(str(one.offset), state, _told(one))
    console.print(table)
    counts = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("letters", "open"):
        counts.add_column(name, justify="right")
    counts.add_column("stage", no_wrap=True)
    counts.add_column("reason", overflow="fold")
    for group in groups(letters):
        counts.add_row(*map(_cell, (group.count, group.open, group.stage, group.reason)))
    console.print(counts)


def _told(one: ListedLetter) -> Text:
    """Return what a narrow terminal has room for: the record on one line, its reason below."""
    moment = one.when[:19].replace("T", " ")
    attempts = f", attempt {one.attempts}" if one.attempts > 1 else ""
    text = Text(printable(f"{one.refused}  {one.stage}  {moment}{attempts}"), style="bold")
    return text.append("\n" + printable(one.reason), style="not bold")


def letter_document(
    one: ListedLetter, kept: KeptRecord, earlier: Iterable[ListedLetter]
) -> dict[str, Any]:
    """Return what `show --json` prints of one letter: all but its value."""
    headers = [
        {"name": name, "value": (value or b"").decode("utf-8", "backslashreplace")}
        for name, value in kept.headers
    ]
    return {**msgspec.structs.asdict(one), "headers": headers, "earlier": list(earlier)}


def print_letter(
    console: Console,
    one: ListedLetter,
    letter: DeadLetter,
    kept: KeptRecord,
    earlier: Iterable[ListedLetter],
) -> None:
    """Print all that is known of one letter but its value."""
    lines = {
        "state": one.state,
        "stage": one.stage,
        "from": one.refused,
        "when": one.when,
        "attempts": f"{one.attempts}",
        "reason": one.reason,
        "value": _size(letter, kept),
    }
    for name, text in lines.items():
        _say(console, f"{name:<9} {printable(text)}")
    for before in earlier:
        _say(console, f"before    {before.offset}: {before.refused} at {before.when}")
    _say(console, "headers")
    for name, value in kept.headers:
        text = (value or b"").decode("utf-8", "backslashreplace")
        _say(console, f"  {printable(name)}: {printable(text)}")


def _size(letter: DeadLetter, kept: KeptRecord) -> str:
    if letter.left_out_bytes is not None:
        return f"{letter.left_out_bytes} bytes, too large to be kept here"
    return f"{len(kept.value or b'')} bytes"


def _cell(value: object) -> Text:
    return Text(printable(str(value)))


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
