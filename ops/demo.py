"""`framerail demo`: the whole pipeline for a bounded time, then what became of every frame."""

import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from local.errors import StartInterrupted
from local.supervisor import Supervisor
from ops.ledger.accounts import StreamReport
from ops.ledger.books import Books
from ops.options import StackOptions, demo_workspace
from ops.pipeline import Pipeline
from ops.progress import Progress, shown_progress
from ops.report import StackReport, print_link
from ops.target import local_target
from runtime.errors import DependencyError, FramerailError

FIRST_PICTURE_WITHIN_S = 60.0
SETTLED_WITHIN_S = 60.0
PICTURES = "pictures"


class DemoFailed(FramerailError):
    """The pipeline ran, and what it left does not add up."""


@dataclass(frozen=True)
class _Run:
    """What is known while the demo runs."""

    begun_s: float
    pipeline: Pipeline
    supervisor: Supervisor
    books: Books
    report: Progress

    def follow(self, is_over: Callable[[dict[str, StreamReport]], bool], within_s: float) -> bool:
        """Refresh the books until `is_over` holds; return whether it did within the time."""
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            streams = self.books.refresh()
            self.report("frames", _progress(streams))
            if is_over(streams):
                return True
            self.supervisor.stop_requested.wait(0.2)
            tend(self.supervisor)
        return False

    def last(self, seconds: float) -> None:
        """Go on for so long, showing how much of it is left."""
        ends_s = time.monotonic() + seconds

        def is_over(_: dict[str, StreamReport]) -> bool:
            left_s = max(ends_s - time.monotonic(), 0)
            self.report.count("time", int(seconds - left_s), round(seconds), "s")
            return not left_s

        self.follow(is_over, seconds)
        self.report.count("time", round(seconds), round(seconds), "s")

    def elapsed_s(self) -> float:
        """Return the seconds since the command was given."""
        return round(time.monotonic() - self.begun_s, 2)


def tend(supervisor: Supervisor) -> None:
    """Look after the parts once; raise StartInterrupted if the demo is to stop."""
    supervisor.tend()
    if supervisor.stop_requested.is_set():
        raise StartInterrupted("stopped")


def run_demo(options: StackOptions, seconds: float, console: Console) -> StackReport:
    """Run the pipeline and return its account.

    Raises DependencyError if no picture ever comes, LocalError if a server cannot be prepared or
    started, StartInterrupted at a stop signal. No process is left in any case.
    """
    begun_s = time.monotonic()
    workspace = demo_workspace()
    with (
        shown_progress(console) as report,
        Supervisor(workspace, report, catches_signals=True) as supervisor,
    ):
        shutil.rmtree(workspace.storage, ignore_errors=True)
        pipeline = Pipeline.choose(workspace, options)
        supervisor.start(supervisor.prepare(pipeline.prepare), pipeline.addresses)
        print_link(console, pipeline.addresses)
        target = local_target(pipeline.addresses, workspace.credentials_file)
        books = Books(target, lambda: tend(supervisor))
        with closing(books):
            return _account(_Run(begun_s, pipeline, supervisor, books, report), seconds)


def _account(run: _Run, seconds: float) -> StackReport:
    startup_s = run.elapsed_s()
    run.report("pipeline", f"ready, {startup_s:.1f} s after the start")
    first_picture_s = _await_first_picture(run)
    run.last(seconds)
    streams = _settle(run)
    pictures = run.pipeline.workspace.root / PICTURES
    return StackReport(
        streams=streams,
        startup_s=startup_s,
        first_picture_s=first_picture_s,
        pictures=str(pictures),
        contact_sheet=str(_save_pictures(run.books, streams, pictures)),
    )


def check_report(report: StackReport) -> None:
    """Raise DemoFailed unless every frame is accounted for and every picture is there."""
    for stream_id, stream in report.streams.items():
        if not stream.adds_up:
            raise DemoFailed(
                f"stream {stream_id} does not add up: captured {stream.captured}, published "
                f"{stream.published}, dropped {stream.dropped}, lost {stream.lost}, doubled "
                f"{stream.doubled}"
            )
        if not stream.is_settled:
            raise DemoFailed(
                f"stream {stream_id} was not done within {SETTLED_WITHIN_S:g} s: {stream.waiting} "
                f"frames wait, {stream.evidence} of {stream.evidence_promised} pictures are in S3"
            )


def _await_first_picture(run: _Run) -> float:
    def has_picture(streams: dict[str, StreamReport]) -> bool:
        return any(report.evidence for report in streams.values())

    if not run.follow(has_picture, FIRST_PICTURE_WITHIN_S):
        log = run.pipeline.workspace.logs / f"{stuck_service(run.books.refresh())}.log"
        raise DependencyError(
            f"no picture within {FIRST_PICTURE_WITHIN_S:g} s; the end of {log} says why:\n"
            + "\n".join(log.read_text(errors="replace").splitlines()[-5:])
        )
    elapsed_s = run.elapsed_s()
    run.report("first picture", f"ready, {elapsed_s:.1f} s after the start")
    return elapsed_s


def stuck_service(streams: dict[str, StreamReport]) -> str:
    """Return the first service on the way of a frame whose work does not show."""
    if not any(report.published for report in streams.values()):
        return "producer"
    return "postproc" if any(report.inferred for report in streams.values()) else "consumer"


def _settle(run: _Run) -> dict[str, StreamReport]:
    """Stop the cameras' side and wait until nothing is on its way any more."""
    run.supervisor.end(["producer"])
    run.follow(
        lambda streams: all(report.is_settled for report in streams.values()), SETTLED_WITHIN_S
    )
    return run.books.refresh()


def _save_pictures(books: Books, streams: dict[str, StreamReport], folder: Path) -> Path:
    import cv2

    from ops.contact_sheet import contact_sheet

    shutil.rmtree(folder, ignore_errors=True)  # those of an earlier demo
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
    return f"{captured} captured, {inferred} inferred, {evidence} in S3"
