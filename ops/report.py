"""What a person is shown of a stack: tables, or one JSON document."""

import sys
from collections.abc import Mapping

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from ops.ledger.accounts import StreamReport

ADDRESSES = ("kafka", "s3", "rtsp", "triton_grpc", "triton_http")
"""What clients that are not ours connect to."""


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


def print_json(report: StackReport) -> None:
    """Print the report as one line of JSON."""
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")


def print_streams(console: Console, streams: Mapping[str, StreamReport]) -> None:
    """Print the account of every stream, a column each."""
    table = Table(title="What became of every frame", title_justify="left")
    table.add_column("")
    for stream_id in streams:
        table.add_column(stream_id, justify="right")
    for name, cells in _rows(streams).items():
        table.add_row(name, *cells)
    console.print(table)
    for stream_id, report in streams.items():
        console.print(f"{stream_id}: {_sums(report)}", highlight=False)


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
