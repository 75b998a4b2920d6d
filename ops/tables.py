"""Figures of many streams as tables that fit the terminal."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table

FRAME_CHARS = 3
"""What a cell takes beside its text: a space on each side, and the line between two."""


def print_by_stream(
    console: Console, title: str, streams: Sequence[str], rows: Mapping[str, Sequence[str]]
) -> None:
    """Print a column a stream and a row a figure, in as many tables as the width asks for.

    `rows` holds a cell for each stream, in order, by the row's name.
    """
    names_chars = max(map(len, rows), default=0) + FRAME_CHARS + 1
    widths = [
        max(len(name), *(len(cells[at]) for cells in rows.values())) + FRAME_CHARS
        for at, name in enumerate(streams)
    ]
    console.print(title, style="italic", highlight=False, soft_wrap=True)
    for first, end in _fitting(widths, console.width - names_chars):
        table = Table("")
        for stream_id in streams[first:end]:
            table.add_column(stream_id, justify="right", overflow="fold")
        for name, cells in rows.items():
            table.add_row(name, *cells[first:end])
        console.print(table)


def _fitting(widths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of columns that fit the room together, at least one each."""
    first, taken = 0, 0
    for at, width in enumerate(widths):
        if at > first and taken + width > room:
            yield first, at
            first, taken = at, 0
        taken += width
    if widths:
        yield first, len(widths)
