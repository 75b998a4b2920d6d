"""The `framerail` command."""

import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from local.stack import prepare_servers
from local.state import StackState
from local.stopping import StoppableReport, caught_signals
from ops.cost_command import cost
from ops.deadletter.command import app as deadletter
from ops.demo import check_report, run_demo
from ops.doctor.command import doctor
from ops.failures import explained_failures
from ops.lasting import bring_down, bring_up, read_status, running_state
from ops.ledger.command import ledger
from ops.options import DEMO_VIDEO, StackOptions, checked_options, lasting_workspace
from ops.plan.command import plan
from ops.preflight.command import preflight
from ops.progress import shown_progress
from ops.replay.command import diff, replay
from ops.report import ADDRESSES, StackReport, print_json, print_streams
from runtime.cli import run_command
from runtime.errors import ConfigurationError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Camera streams into evidence: RTSP to Kafka, Triton and S3, whole on this machine.",
)

Cameras = Annotated[int, typer.Option(min=1, max=64, help="Local cameras that play the video.")]
Video = Annotated[Path, typer.Option(help="Video that the local cameras play over and over.")]
Rtsp = Annotated[
    str | None, typer.Option(help="A camera of your own, rtsp://user:password@host/path.")
]
Streams = Annotated[
    Path | None, typer.Option(help="Cameras of your own, as in streams.example.yaml.")
]
Ports = Annotated[
    list[str] | None, typer.Option("--port", help="Fix a port, as NAME=NUMBER; repeatable.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, on the last line.")]

messages = Console(stderr=True)
answers = Console()

app.command()(preflight)
app.command()(ledger)
app.command()(replay)
app.command()(diff)
app.add_typer(deadletter, name="deadletter")
app.command()(doctor)
app.command()(cost)
app.command()(plan)


@app.command()
def demo(
    cameras: Cameras = 1,
    video: Video = DEMO_VIDEO,
    rtsp: Rtsp = None,
    streams: Streams = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="How long to run after the first picture.")
    ] = 20,
    port: Ports = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole pipeline for a bounded time and show what became of every frame.

    Ends every process it started. Examples:

    framerail demo

    framerail demo --cameras 3 --seconds 60

    framerail demo --rtsp rtsp://user:password@192.168.1.20/stream1 --json
    """
    options = _options(cameras, video, rtsp, streams, port)
    report = run_demo(options, seconds, messages)
    if as_json:
        print_json(report)
    else:
        _print_demo(report)
    check_report(report)


@app.command()
def up(
    cameras: Cameras = 1,
    video: Video = DEMO_VIDEO,
    rtsp: Rtsp = None,
    streams: Streams = None,
    port: Ports = None,
) -> None:
    """Start the whole pipeline and leave it running.

    Examples:

    framerail up --port kafka=9092 --port s3=8333

    framerail up --streams streams.yaml
    """
    state = bring_up(_options(cameras, video, rtsp, streams, port), messages)
    _print_parts(state)
    messages.print("`framerail status` tells how it does, `framerail down` ends it.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Tell what runs, where it is reached, and what became of every frame so far."""
    report = read_status()
    if as_json:
        print_json(report)
        return
    _print_parts(running_state())
    answers.print(f"S3 bucket {report.bucket}; keys in {report.credentials_file}", soft_wrap=True)
    print_streams(answers, report.streams)


@app.command()
def prepare() -> None:
    """Download and build the servers that `demo`, `up` and the tests run; minutes, once."""
    stop = threading.Event()
    with caught_signals(stop), shown_progress(messages) as shown:
        prepare_servers(lasting_workspace().cache, StoppableReport(shown, stop))
        shown("servers", "ready")


@app.command()
def down() -> None:
    """End the pipeline, and whatever a killed one left behind."""
    with shown_progress(messages) as report:
        ended = bring_down(report)
    messages.print("everything has ended" if ended else "nothing was running")


def _options(
    cameras: int, video: Path, rtsp: str | None, streams: Path | None, ports: list[str] | None
) -> StackOptions:
    return checked_options(
        StackOptions(
            cameras=cameras,
            video=str(video.resolve()),
            rtsp_url=rtsp,
            streams_file=None if streams is None else str(streams.resolve()),
            ports=dict(_port(text) for text in ports or []),
        )
    )


def _port(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 65535):
        raise ConfigurationError(f"--port {text}: expected NAME=NUMBER, 1 to 65535")
    return name, int(number)


def _print_demo(report: StackReport) -> None:
    print_streams(answers, report.streams)
    answers.print(
        f"ready after {report.startup_s} s, first picture after {report.first_picture_s} s"
    )
    answers.print(f"pictures:      {report.pictures}", soft_wrap=True)
    answers.print(f"contact sheet: {report.contact_sheet}", soft_wrap=True)


def _print_parts(state: StackState) -> None:
    table = Table("part", "state", "pid", "restarts", "log")
    for part in state.parts:
        pid = "-" if part.process is None else str(part.process.pid)
        told = "ready" if part.is_ready else "starting"
        table.add_row(part.name, told, pid, str(part.restarts), part.log)
    answers.print(table)
    for name in ADDRESSES:
        answers.print(f"{name:<12} {state.addresses[name]}", highlight=False)


def _run() -> None:
    with explained_failures():
        app()


def main() -> None:
    """Run the command line and exit.

    0: done; 1: the account does not add up; 2: wrong input; 3: something is away; 130: interrupted.
    """
    sys.exit(run_command("framerail", _run))
