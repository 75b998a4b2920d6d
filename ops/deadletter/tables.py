"""Dead letters as a person is shown them; what a camera or a client wrote is never obeyed."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from contracts.deadletters import DeadLetter
from ops.deadletter.letters import ListedLetter, groups
from ops.deadletter.restoring import KeptRecord


def print_letters(console: Console, letters: Sequence[ListedLetter]) -> None:
    """Print a row a letter, then how many there are by stage and reason."""
    if not letters:
        console.print("no dead letters")
        return
    table = Table("offset", "stage", "from", "when (UTC)", "attempts", "reason", "state")
    for column in table.columns:
        column.overflow = "fold"
    for one in letters:
        moment = one.when[:19].replace("T", " ")
        cells = (one.offset, one.stage, one.refused, moment, one.attempts, one.reason, one.state)
        table.add_row(*map(_cell, cells))
    console.print(table)
    counts = Table("letters", "open", "stage", "reason")
    for group in groups(letters):
        counts.add_row(*map(_cell, (group.count, group.open, group.stage, group.reason)))
    console.print(counts)


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


def printable(text: str) -> str:
    """Return a text with whatever could steer a terminal written out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _size(letter: DeadLetter, kept: KeptRecord) -> str:
    if letter.left_out_bytes is not None:
        return f"{letter.left_out_bytes} bytes, too large to be kept here"
    return f"{len(kept.value or b'')} bytes"


def _cell(value: object) -> Text:
    return Text(printable(str(value)))


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)
