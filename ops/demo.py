"""`framerail demo`: the whole pipeline for a bounded time, then what became of every frame."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
from rich.console import Console

from local.errors import StartInterrupted
from local.part import Report
from local.supervisor import Supervisor
from ops.books import Books
from ops.contact_sheet import contact_sheet
from ops.options import StackOptions, demo_workspace
from ops.pipeline import Pipeline
from ops.progress import shown_progress
from ops.report import StackReport
from ops.tally import StreamReport, is_settled
from runtime.errors import DependencyError, FramerailError

FIRST_PICTURE_WITHIN_S = 60.0
SETTLED_WITHIN_S = 60.0


class DemoFailed(FramerailError):
    """The pipeline ran, and what it left does not add up."""


@dataclass
class _Run:
    """What is known while the demo runs."""

    begun_s: float
    supervisor: Supervisor
    pipeline: Pipeline
    books: Books
    report: Report

    def follow(self, is_over: Callable[[dict[str, StreamReport]], bool], within_s: float) -> bool:
        """Refresh the books until `is_over` holds; return whether it did within the time."""
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            streams = self.books.refresh()
            self.report("frames", _progress(streams))
            if is_over(streams):
                return True
            self.supervisor.tend()
            if self.supervisor.stop_requested.wait(0.2):
                raise StartInterrupted("stopped")
        return False


def run_demo(options: StackOptions, seconds: float, console: Console) -> StackReport:
    """Run the pipeline and return its account.

    Raises DemoFailed if the account does not add up, DependencyError if no picture ever comes,
    LocalError if a server cannot be prepared or started. No process is left in any case.
    """
    begun_s = time.monotonic()
    workspace = demo_workspace()
    pictures = workspace.root / "pictures"
    with (
        shown_progress(console) as report,
        Supervisor(workspace, report) as supervisor,
        supervisor.stopped_by_signals(),
    ):
        for folder in (workspace.storage, pictures):
            shutil.rmtree(folder, ignore_errors=True)
        pipeline = Pipeline.choose(workspace, options)
        supervisor.start(pipeline.prepare(report), pipeline.addresses)
        startup_s = time.monotonic() - begun_s
        report("pipeline", f"ready, {startup_s:.1f} s after the start")
        books = Books(pipeline.addresses, workspace.credentials_file)
        run = _Run(begun_s, supervisor, pipeline, books, report)
        first_picture_s = _await_first_picture(run)
        run.follow(lambda _: False, seconds)
        streams = _settle(run)
        sheet = _save_pictures(books, streams, pictures)
        books.close()
    return StackReport(
        streams=streams,
        startup_s=round(startup_s, 2),
        first_picture_s=round(first_picture_s, 2),
        pictures=str(pictures),
        contact_sheet=str(sheet),
    )


def check_report(report: StackReport) -> None:
    """Raise DemoFailed unless every frame is accounted for and every picture is there."""
    for stream_id, stream in report.streams.items():
        if not is_settled(stream):
            raise DemoFailed(
                f"stream {stream_id} was not done within {SETTLED_WITHIN_S:g} s: {stream.waiting} "
                f"frames wait, {stream.evidence} of {stream.evidence_promised} pictures are in S3"
            )


def _await_first_picture(run: _Run) -> float:
    def has_picture(streams: dict[str, StreamReport]) -> bool:
        return any(report.evidence for report in streams.values())

    if not run.follow(has_picture, FIRST_PICTURE_WITHIN_S):
        log = run.pipeline.workspace.logs / "producer.log"
        raise DependencyError(
            f"no picture within {FIRST_PICTURE_WITHIN_S:g} s; the producer's log, {log}, ends:\n"
            + "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        )
    elapsed_s = time.monotonic() - run.begun_s
    run.report("first picture", f"ready, {elapsed_s:.1f} s after the start")
    return elapsed_s


def _settle(run: _Run) -> dict[str, StreamReport]:
    """Stop the cameras' side and wait until nothing is on its way any more."""
    run.supervisor.end(["producer"])
    run.follow(lambda streams: all(map(is_settled, streams.values())), SETTLED_WITHIN_S)
    return run.books.refresh()


def _save_pictures(books: Books, streams: dict[str, StreamReport], folder: Path) -> Path:
    jpegs = []
    for stream_id in streams:
        for key, jpeg in books.pictures(stream_id):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg)
            jpegs.append(jpeg)
    sheet = folder / "contact-sheet.png"
    cv2.imwrite(str(sheet), contact_sheet(jpegs))
    return sheet


def _progress(streams: dict[str, StreamReport]) -> str:
    captured = sum(report.captured for report in streams.values())
    inferred = sum(report.inferred for report in streams.values())
    evidence = sum(report.evidence for report in streams.values())
    return f"{captured} captured, {inferred} inferred, {evidence} pictures in S3"
