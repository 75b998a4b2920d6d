"""Tools run while a server is prepared: progress shown, failures told with what the tool said."""

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.errors import PrepareError
from local.part import Part, Report
from local.processes import Child
from local.stopping import StoppableReport

REPORT_EVERY_S = 3.0
LAST_LINES = 20


def run_tool(
    step: str,
    argv: Sequence[str],
    report: Report,
    *,
    working_directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a tool to its end and return what it wrote (output and errors together).

    Every few seconds `report` gets the seconds passed and the tool's latest line. The tool, with
    its children, ends with us. Raises PrepareError if it is not there, or exits with anything but
    0, and StartInterrupted if `report` is a StoppableReport that is stopped.
    """
    part = Part(
        step, tuple(argv), environment=environment or {}, working_directory=working_directory
    )
    with tempfile.TemporaryDirectory(prefix="framerail-") as folder:
        log = Path(folder) / "log"
        exit_code = _run(part, log, StoppableReport.of(report))
        written = log.read_text(encoding="utf-8", errors="replace")
    if exit_code != 0:
        raise PrepareError(_failure(part, exit_code, written))
    return written


def _run(part: Part, log: Path, report: StoppableReport) -> int:
    report.check()
    begun_s = reported_s = time.monotonic()
    try:
        with log.open("wb") as output:
            tool = Child(part, report.run_id, output)
    except OSError as error:
        raise PrepareError(f"{part.name}: {part.argv[0]} cannot be run: {error}") from error
    try:
        while not tool.has_died():
            report.check()
            now_s = time.monotonic()
            if now_s - reported_s >= REPORT_EVERY_S:
                reported_s = now_s
                report(part.name, f"{now_s - begun_s:.0f} s  {_latest_line(log)}")
            time.sleep(0.05)
    finally:
        exit_code = tool.bury()
    return exit_code


def _failure(part: Part, exit_code: int, written: str) -> str:
    tail = "\n".join(f"    {line}" for line in written.splitlines()[-LAST_LINES:])
    command = " ".join(part.argv[:3])
    return f"{part.name}: `{command} ...` ended with {exit_code} and said:\n{tail}"


def _latest_line(log: Path) -> str:
    with log.open("rb") as written:
        written.seek(0, os.SEEK_END)
        written.seek(max(0, written.tell() - 500))
        lines = written.read().decode("utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")[:120]
