"""Where every command writes: its answer on standard output, what it says meanwhile on the other.

Colours are for terminals: rich leaves them out elsewhere, and where NO_COLOR is set.
"""

import os
import select
import sys
from collections.abc import Callable
from textwrap import fill
from typing import Annotated, Any, TextIO

import typer
from rich.console import Console

CLOSED_PIPE = 141
"""What a shell tells of a tool that SIGPIPE ended, as `cat` in `cat file | head` (128 + 13).

Not 0: `framerail ledger | head -1` must not pass for books that close.
"""

MIN_CHARS = 24

answers = Console()
messages = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead.")]


def print_document(document: Any) -> None:
    """Print one JSON document on a line of its own, at once."""
    import msgspec

    sys.stdout.write(msgspec.json.encode(document).decode() + "\n")
    sys.stdout.flush()


def tell(console: Console, text: str, style: str | None = None, indent: str = "") -> None:
    """Print prose: between words at the edge of a terminal, a line a sentence in a pipe.

    Lines but the first begin with `indent`. Brackets in it mean nothing.
    """
    if console.is_terminal:
        room = max(console.width, MIN_CHARS)
        text = "\n".join(
            fill(
                line,
                room,
                subsequent_indent=indent,
                break_long_words=False,  # a path or a URL that is broken cannot be copied
                break_on_hyphens=False,
            )
            for line in text.splitlines()
        )
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def printable(text: str) -> str:
    """Return a text with whatever could steer a terminal written out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def unless_unread(command: Callable[[], int]) -> int:
    """Return the exit code of `command`, or CLOSED_PIPE if what it wrote found no reader any more.

    A closed pipe is how a reader such as `head` says that it has enough: no error, no traceback.
    """
    try:
        try:
            return command()
        finally:
            sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as error:
        if not (_is_of_a_pipe(error) and any(map(_is_unread, (sys.stdout, sys.stderr)))):
            raise
        _discard_the_rest()
        return CLOSED_PIPE


def _is_of_a_pipe(error: BaseException) -> bool:
    # typer and rich make SystemExit(1) of it.
    return isinstance(error, BrokenPipeError) or isinstance(error.__context__, BrokenPipeError)


def _is_unread(stream: TextIO) -> bool:
    """Whether the reader of a pipe has gone: a socket of ours may break too, which is a defect."""
    if os.fstat(stream.fileno()).st_rdev == os.stat(os.devnull).st_rdev:
        return True  # rich has seen it, and put this in its place
    poll = select.poll()
    poll.register(stream.fileno(), select.POLLOUT)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _discard_the_rest() -> None:
    """Let the flush at the interpreter's end succeed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if _is_unread(stream):
            os.dup2(nowhere, stream.fileno())
