"""What a person is shown of a stack: tables, or one JSON document."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.ledger.accounts import StreamReport
from ops.options import SERVICES
from ops.tables import print_by_stream
from ops.terminal import tell

ADDRESSES = (
    *("viewer", "kafka", "s3", "rtsp", "triton_grpc", "triton_http"),
    *(f"{name}_metrics" for name in SERVICES),
)
"""The page, and what clients that are not ours connect to, a Prometheus among them."""


class PartReport(Struct, frozen=True):
    """One process of the pipeline; `pid` is None while it waits for its next start."""

    name: str
    is_ready: bool
    pid: int | None
    restarts: int
    log: str


class StackReport(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that `demo --json` and `status --json` tell; times in seconds.

    `startup_s` ends when every part is ready, `first_picture_s` when the first picture is in S3.
    """

    streams: Mapping[str, StreamReport]
    startup_s: float | None
    first_picture_s: float | None = None
    addresses: Mapping[str, str] = {}
    parts: tuple[PartReport, ...] = ()
    bucket: str = ""
    credentials_file: str = ""
    pictures: str = ""
    contact_sheet: str = ""


def print_link(console: Console, addresses: Mapping[str, str]) -> None:
    """Say where the page is, if there is one: plainly, so that a terminal makes it a link."""
    if "viewer" in addresses:
        said = f"watch it: {addresses['viewer']}"
        console.print(said, highlight=False, soft_wrap=True)


def print_streams(console: Console, streams: Mapping[str, StreamReport]) -> None:
    """Print the account of every stream, a column each."""
    print_by_stream(console, "What became of every frame", list(streams), _rows(streams))
    for stream_id, report in streams.items():
        tell(console, f"{stream_id}: {_sums(report)}", indent="  ")


def print_parts(console: Console, report: StackReport) -> None:
    """Print a row a process, then where everything is reached."""
    table = Table("part", "state", box=SIMPLE_HEAD, pad_edge=False)
    for name in ("pid", "restarts"):
        table.add_column(name, justify="right")
    table.add_column("log")
    folders = {str(Path(part.log).parent) for part in report.parts}
    for part in report.parts:
        state = Text("ready", "green") if part.is_ready else Text("starting", "yellow")
        pid = "-" if part.pid is None else str(part.pid)
        table.add_row(part.name, state, pid, str(part.restarts), Path(part.log).name)
    console.print(table)
    for folder in folders:
        _say(console, f"{'logs':<16} {folder}")
    for name, address in report.addresses.items():
        _say(console, f"{name:<16} {address}")


def print_demo(console: Console, report: StackReport) -> None:
    """Print what became of every frame, how long it took, and where the pictures lie."""
    print_streams(console, report.streams)
    startup_s, first_s = report.startup_s, report.first_picture_s
    _say(console, f"ready after {startup_s} s, first picture after {first_s} s")
    _say(console, f"pictures:      {report.pictures}")
    _say(console, f"contact sheet: {report.contact_sheet}")


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _rows(streams: Mapping[str, StreamReport]) -> dict[str, list[str]]:
    reasons = sorted({reason for report in streams.values() for reason in report.dropped})
    reports = list(streams.values())
    counted = ("published", "batches", "inferred", "dead_lettered", "waiting", "lost", "doubled")
    return {
        "captured": [f"{report.captured}" for report in reports],
        **{
            f"  dropped: {r}": [f"{report.dropped.get(r, 0)}" for report in reports]
            for r in reasons
        },
        **{
            name.replace("_", " "): [f"{getattr(report, name)}" for report in reports]
            for name in counted
        },
        "detections": [f"{report.detections}" for report in reports],
        "pictures in S3": [f"{r.evidence} of {r.evidence_promised}" for r in reports],
        "capture to S3, p50": [_seconds(r, "p50") for r in reports],
        "capture to S3, p95": [_seconds(r, "p95") for r in reports],
    }


def _seconds(report: StreamReport, quantile: str) -> str:
    measured = report.capture_to_s3_s
    return "-" if measured is None else f"{getattr(measured, quantile):.2f} s"


def _sums(report: StreamReport) -> str:
    dropped = sum(report.dropped.values())
    is_equal = "=" if report.adds_up else "does not equal"
    replayed = f" + replayed {report.replayed}" if report.replayed else ""
    return (
        f"captured {report.captured}{replayed} {is_equal} published {report.published} "
        f"+ dropped {dropped}; "
        f"published {report.published} {is_equal} inferred {report.inferred} + dead-lettered "
        f"{report.dead_lettered} + waiting {report.waiting}"
    )
