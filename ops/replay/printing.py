"""What a person is shown of a replay and of a comparison."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from consumer.replaying.order import ReplayReport
from ops.replay.report import ClassReport, DiffReport, PictureReport, SideReport
from ops.replay.shifts import ShiftReport
from ops.terminal import tell

BAR_CHARS = 40


def print_replay(console: Console, report: ReplayReport) -> None:
    """Print what was written where, and what was not."""
    models = ", ".join(f"{model.name} {model.version}" for model in report.models)
    lines = [
        f"{report.written} of {report.frames} frames of {report.stream_id} (offsets "
        f"{report.first_offset} to {report.last_offset}) in {report.batches} batches",
        f"model: {models or 'none answered'}, detections from confidence {report.min_confidence:g} "
        f"on: {report.detections}",
    ]
    if report.not_inferred:
        lines.append(f"{report.not_inferred} frames reached no model; their results say why")
    if report.is_cut:
        lines.append("what was captured before the first of them has expired from Kafka")
    if report.expired:
        lines.append(f"{report.expired} frames expired from Kafka before they were read")
    lines.append(f"results are in {report.topic}; compare: framerail diff results {report.topic}")
    _say(console, lines)


def print_diff(console: Console, report: DiffReport) -> None:
    """Print the tables, and where the pictures lie."""
    _say(console, [*_sides(report), _frames(report), *notes_on(report)])
    console.print(_classes(report))
    if report.confidence_shift is not None:
        _print_shift(console, report.confidence_shift)
    _say(console, [_picture(picture) for picture in report.pictures])


def notes_on(report: DiffReport) -> Iterator[str]:
    """Yield what makes the comparison less than fair."""
    a, b = report.a.min_confidence, report.b.min_confidence
    if a is not None and b is not None and a != b:
        yield f"A was written from confidence {a:g} on, B from {b:g}: boxes between are in one only"
    for name, side in (("A", report.a), ("B", report.b)):
        if len(side.models) > 1:
            yield f"{name} was written by more than one model"
        if side.unreadable:
            yield f"{side.unreadable} records of {side.topic} are no results"


def _sides(report: DiffReport) -> Iterator[str]:
    for name, side in (("A", report.a), ("B", report.b)):
        models = ", ".join(f"{at.name} {at.version} ({at.frames} frames)" for at in side.models)
        yield f"{name}: {side.topic}: {models}; {_threshold(side)}"


def _threshold(side: SideReport) -> str:
    if side.min_confidence is not None:
        return f"written from confidence {side.min_confidence:g} on"
    if side.lowest_confidence is not None:
        return f"threshold not told, the lowest confidence is {side.lowest_confidence:g}"
    return "threshold not told, and no box"


def _frames(report: DiffReport) -> str:
    refused = f"not inferred {report.a.not_inferred} and {report.b.not_inferred}"
    alone = f"only in one {report.a.frames_only_here} and {report.b.frames_only_here}"
    return (
        f"{report.stream_id}, {report.captured_first} to {report.captured_last}, offsets "
        f"{report.first_offset} to {report.last_offset}: {report.frames} frames in both, "
        f"{report.frames_differ} differ ({report.share:.1%}); {alone}, {refused}"
    )


def _classes(report: DiffReport) -> Table:
    table = Table("class", "in A", "in B", "matched", "lost", "new", "precision", "recall", "IoU")
    for column in table.columns[1:]:
        column.justify = "right"
    for row in (*report.classes, report.together):
        table.add_row(*_cells(row))
    return table


def _cells(row: ClassReport) -> list[str]:
    counts = (row.boxes_a, row.boxes_b, row.matched, row.lost, row.new)
    shares = (row.precision, row.recall, row.mean_iou)
    return [row.label, *map(str, counts), *(f"{share:.3f}" for share in shares)]


def _print_shift(console: Console, shift: ShiftReport) -> None:
    most = max(at.boxes for at in shift.histogram)
    lines = [
        f"confidence in B less that in A, matched boxes: mean {shift.mean:+.4f}, "
        f"p5 {shift.p5:+.4f}, p50 {shift.p50:+.4f}, p95 {shift.p95:+.4f}"
    ]
    for at in shift.histogram:
        bar = "█" * round(BAR_CHARS * at.boxes / most)
        lines.append(f"  {at.least:+.3f} to {at.most:+.3f} {at.boxes:7} {bar}".rstrip())
    _say(console, lines)


def _picture(picture: PictureReport) -> str:
    told = f"not drawn: {picture.missing}" if picture.path is None else picture.path
    return f"offset {picture.offset}: {picture.lost} lost, {picture.new} new: {told}"


def _say(console: Console, lines: Iterator[str] | list[str]) -> None:
    for line in lines:
        tell(console, line, indent="  ")
