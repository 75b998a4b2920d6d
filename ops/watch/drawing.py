"""The wall on a terminal of any size: what needs attention first, what does not fit counted."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from contracts.wall import LedgerVerdict, ServiceHealth, Stage, StreamState, StreamTile, Wall
from ops.terminal import printable

STYLES: dict[StreamState, str] = {
    "reconnecting": "bold red",
    "silent": "red",
    "behind": "yellow",
    "live": "green",
}
"""In the order in which streams need attention."""
UNKNOWN = "-"
LEAST_ROWS = 3
"""Streams that are shown however low the terminal is."""
TROUBLES_SHOWN = 4
WIDE_CHARS, USUAL_CHARS, NARROW_CHARS = 100, 64, 40
PERSON = "person"

GAP_CHARS = 2
LEAST_CHARS = 8
FLEXIBLE = ("stream", "dropped", "other objects")
"""Columns that may be cut short; the others hold a figure or a word, and are whole."""

Cell = Callable[[StreamTile], str]


@dataclass(frozen=True, slots=True)
class WallView:
    """One look at the wall; `trouble` says why nothing newer is known.

    A live one is no higher than the terminal; else every stream has its line, and every text is
    whole.
    """

    wall: Wall | None
    url: str
    trouble: str = ""
    is_live: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines that fit."""
        # Not the height of the options: rich takes it away from what lies inside another thing.
        width, height = options.max_width, console.height if self.is_live else None
        if self.trouble:
            yield _line(Text(printable(self.trouble), style="bold red"), height)
        if self.wall is None:
            return
        below = list(_below(self.wall, height))
        above = 2 + bool(self.trouble)
        rows = len(self.wall.streams)
        if height is not None:
            lines = len(self.wall.stages) + 2 + len(below)
            # One line for the names of the columns, one for what does not fit.
            rows = min(rows, max(height - above - lines - 2, LEAST_ROWS))
        yield _head(self.wall, self.url, width)
        yield Text("")
        yield from _streams(self.wall.streams, rows, width)
        if self.wall.stages:
            yield Text("")
            yield _stages(self.wall.stages)
        yield from below


def by_attention(streams: Sequence[StreamTile]) -> list[StreamTile]:
    """Return the streams that need attention before the others, each kind by name."""
    order = list(STYLES)
    return sorted(streams, key=lambda tile: (order.index(tile.state), tile.stream_id))


def states(streams: Sequence[StreamTile]) -> str:
    """Return how many streams there are of each state, those that need attention first."""
    counts = Counter(tile.state for tile in streams)
    return ", ".join(f"{counts[state]} {state}" for state in STYLES if counts[state])


def _head(wall: Wall, url: str, width: int) -> Table:
    count = len(wall.streams)
    said = Text(f"{count} stream{'' if count == 1 else 's'}", style="bold")
    if count:
        said.append(f": {states(wall.streams)}", style="not bold")
    at = datetime.fromtimestamp(wall.at_ms / 1000, UTC).astimezone()
    clock = f"{at:%H:%M:%S}"
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    line.add_column(no_wrap=True, justify="right", style="dim")
    line.add_row(said, f"{printable(url)}  {clock}" if width >= WIDE_CHARS else clock)
    return line


def _streams(streams: Sequence[StreamTile], rows: int, width: int) -> Iterator[RenderableType]:
    if not streams:
        yield Text("no stream yet: it is here with its first frame", style="dim")
        return
    ordered = by_attention(streams)
    columns = [("stream", _name), ("state", _state), *_columns(width)]
    cells = [[printable(cell(tile)) for _, cell in columns] for tile in ordered[:rows]]
    table = Table(box=None, pad_edge=False, padding=(0, GAP_CHARS, 0, 0), header_style="dim")
    names = [name for name, _ in columns]
    for name, chars in zip(names, _widths(names, cells, width), strict=True):
        table.add_column(
            name,
            width=chars,
            no_wrap=True,
            overflow="ellipsis",
            justify="left" if name in (*FLEXIBLE, "state") else "right",
        )
    for tile, (name, state, *figures) in zip(ordered, cells, strict=False):
        table.add_row(Text(name), Text(state, style=STYLES[tile.state]), *map(Text, figures))
    yield table
    if rest := ordered[rows:]:
        yield Text(f"and {len(rest)} more: {states(rest)}", style="dim", no_wrap=True)


def _widths(names: Sequence[str], cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return how wide each column is: figures whole, and texts share what is left."""
    chars = [
        max(cell_len(text) for text in (name, *(row[at] for row in cells)))
        for at, name in enumerate(names)
    ]
    texts = [at for at, name in enumerate(names) if name in FLEXIBLE]
    figures = sum(wanted for at, wanted in enumerate(chars) if at not in texts)
    left = width - figures - GAP_CHARS * (len(names) - 1)
    for number, at in enumerate(texts):
        share = left // (len(texts) - number)
        chars[at] = min(chars[at], max(share, LEAST_CHARS))
        left -= chars[at]
    return chars


def _columns(width: int) -> list[tuple[str, Cell]]:
    """Return the names of the columns that the width has room for, and how each is filled."""
    chosen: list[tuple[str, Cell]] = []
    if width >= WIDE_CHARS:
        chosen.append(("captured", lambda tile: _fps(tile.captured_fps)))
    if width >= NARROW_CHARS:
        chosen.append(("inferred", lambda tile: _fps(tile.inferred_fps)))
        chosen.append(("behind", lambda tile: _seconds(tile.behind_s)))
    if width >= USUAL_CHARS:
        chosen.append(("people", _people))
        chosen.append(("reconnects", lambda tile: f"{tile.reconnects}"))
        chosen.append(("dropped", _dropped))
    if width >= WIDE_CHARS:
        chosen.append(("other objects", _others))
    return chosen


def _name(tile: StreamTile) -> str:
    return tile.stream_id


def _state(tile: StreamTile) -> str:
    return tile.state


def _is_watching(tile: StreamTile) -> bool:
    """Whether anybody knows what is in front of the camera now."""
    is_inferred = tile.inferred_fps is not None or tile.picture is not None or bool(tile.now)
    return is_inferred and tile.state in ("live", "behind")


def _people(tile: StreamTile) -> str:
    return f"{tile.now.get(PERSON, 0)}" if _is_watching(tile) else UNKNOWN


def _others(tile: StreamTile) -> str:
    if not _is_watching(tile):
        return ""
    return ", ".join(f"{count} {label}" for label, count in tile.now.items() if label != PERSON)


def _dropped(tile: StreamTile) -> str:
    found = sorted(tile.dropped.items(), key=lambda item: -item[1])
    return ", ".join(f"{count} {reason}" for reason, count in found if count)


def _stages(stages: Sequence[Stage]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("stage", no_wrap=True, min_width=8)
    for name in ("rate", "behind", "in hand"):
        table.add_column(name, no_wrap=True, justify="right")
    for stage in stages:
        unit = "pictures/s" if stage.name == "store" else "frames/s"
        rate = UNKNOWN if stage.rate is None else f"{stage.rate:.1f} {unit}"
        held = UNKNOWN if stage.in_hand is None else f"{stage.in_hand} {stage.unit}"
        table.add_row(stage.name, rate, _seconds(stage.behind_s), held)
    return table


def _below(wall: Wall, height: int | None) -> Iterator[Text]:
    yield Text("")
    yield _line(_ledger(wall.ledger, wall.at_ms), height)
    troubles = [
        *(_health(one) for one in wall.services if one.problem or one.answering < one.known),
        *wall.problems,
        *(() if wall.ledger is None else wall.ledger.problems),
    ]
    shown = len(troubles) if height is None else TROUBLES_SHOWN
    for said in islice(troubles, shown):
        yield _line(Text(f"problem  {printable(said)}", style="yellow"), height)
    if len(troubles) > shown:
        yield Text(f"and {len(troubles) - shown} more problems", style="yellow")


def _health(service: ServiceHealth) -> str:
    said = f"{service.name}: {service.answering} of {service.known} processes answer"
    return f"{said}: {service.problem}" if service.problem else said


def _ledger(verdict: LedgerVerdict | None, at_ms: int) -> Text:
    if verdict is None:
        return Text("ledger   no verdict yet", style="dim")
    ago_s = max(at_ms - verdict.at_ms, 0) / 1000
    line = Text("ledger   ")
    closes = ("the books close", "green") if verdict.closed else ("do not close", "bold red")
    line.append(*closes)
    replayed = f" + replayed {verdict.replayed}" if verdict.replayed else ""
    equals = "=" if verdict.closed else "against"
    line.append(
        f" {_ago(ago_s)}: captured {verdict.captured}{replayed} {equals} published "
        f"{verdict.published} + dropped {verdict.dropped}; {verdict.pictures} pictures"
    )
    if verdict.missing_pictures:
        line.append(f", {verdict.missing_pictures} missing", style="bold red")
    return line


def _line(text: Text, height: int | None) -> Text:
    """Return a text that takes one line where lines are scarce, and as many as it needs else."""
    if height is not None:
        text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _fps(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.1f}/s"


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else _span(value)


def _ago(seconds: float) -> str:
    return "now" if seconds < 1 else f"{_span(seconds, digits=0)} ago"


def _span(seconds: float, digits: int = 1) -> str:
    if seconds < 100:
        return f"{seconds:.{digits}f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
