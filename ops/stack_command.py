"""`framerail prepare`, `demo`, `up`, `status` and `down`: the whole pipeline on this machine."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ops.completion import port_choices
from ops.terminal import AsJson, answers, messages, print_document
from runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from ops.options import StackOptions

CAMERAS = "Cameras"
Cameras = Annotated[
    int,
    typer.Option(
        min=1,
        max=64,
        metavar="N",
        help="Local cameras that play the video.",
        rich_help_panel=CAMERAS,
    ),
]
Video = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Video that the local cameras play over and over; a clip of pedestrians if not given.",
        rich_help_panel=CAMERAS,
    ),
]
Rtsp = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="A camera of your own, rtsp://user:password@host/path.",
        rich_help_panel=CAMERAS,
    ),
]
Streams = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Cameras of your own, as in streams.example.yaml.",
        rich_help_panel=CAMERAS,
    ),
]
Ports = Annotated[
    list[str] | None,
    typer.Option(
        "--port",
        metavar="NAME=NUMBER",
        help="Fix a port, as kafka=9092 or viewer=8090; repeatable. Others are chosen freely.",
        autocompletion=port_choices,
    ),
]
Seconds = Annotated[
    float,
    typer.Option(
        min=1, max=3600, metavar="SECONDS", help="How long to run after the first picture."
    ),
]


def prepare(as_json: AsJson = False) -> None:
    """Download and build the servers; takes minutes, once.

    `demo`, `up` and the tests run them. What is there already is left alone: a second run ends at
    once.

    Examples:
        framerail prepare
        framerail prepare --json
        FRAMERAIL_CACHE=/var/cache/framerail framerail prepare
    """
    from local.stack import prepare_servers
    from local.stopping import StoppableReport, caught_signals
    from ops.options import lasting_workspace
    from ops.progress import shown_progress

    stop = threading.Event()
    cache = lasting_workspace().cache
    with caught_signals(stop), shown_progress(messages) as shown:
        prepare_servers(cache, StoppableReport(shown, stop))
        shown("servers", "ready")
    if as_json:
        print_document({"cache": str(cache)})


def demo(
    cameras: Cameras = 1,
    video: Video = None,
    rtsp: Rtsp = None,
    streams: Streams = None,
    seconds: Seconds = 20,
    port: Ports = None,
    as_json: AsJson = False,
) -> None:
    """Run the whole pipeline for a while and account for every frame.

    The page that it names can be looked at while it runs. Ends every process it started.

    Examples:
        framerail demo
        framerail demo --cameras 3 --seconds 60
        framerail demo --rtsp rtsp://user:password@192.168.1.20/stream1 --json
    """
    options = _options(cameras, video, rtsp, streams, port)

    from ops.demo import check_report, run_demo
    from ops.report import print_demo

    report = run_demo(options, seconds, messages)
    if as_json:
        print_document(report)
    else:
        print_demo(answers, report)
    check_report(report)


def up(
    cameras: Cameras = 1,
    video: Video = None,
    rtsp: Rtsp = None,
    streams: Streams = None,
    port: Ports = None,
    as_json: AsJson = False,
) -> None:
    """Start the whole pipeline and leave it running.

    A service that dies is started again. Its page is a link that is printed.

    Examples:
        framerail up --port kafka=9092 --port viewer=8090
        framerail up --streams streams.yaml
        FRAMERAIL_EVIDENCE=all framerail up --json
    """
    options = _options(cameras, video, rtsp, streams, port)

    from ops.lasting import bring_up, parts_report
    from ops.report import print_link, print_parts

    report = parts_report(bring_up(options, messages))
    if as_json:
        print_document(report)
    else:
        print_parts(answers, report)
    print_link(messages, report.addresses)
    messages.print("`framerail status` tells how it does, `framerail down` ends it.")


def status(as_json: AsJson = False) -> None:
    """Tell what runs, where, and what became of every frame so far.

    Examples:
        framerail status
        framerail status --json | jq -r .addresses.kafka
    """
    from ops.lasting import parts_report, read_status, running_state
    from ops.report import print_parts, print_streams

    if as_json:
        print_document(read_status())
        return
    # First what needs no server: reading what Kafka holds takes its time, or fails.
    known = parts_report(running_state())
    print_parts(answers, known)
    answers.print(f"S3 bucket {known.bucket}; keys in {known.credentials_file}", soft_wrap=True)
    print_streams(answers, read_status().streams)


def down(as_json: AsJson = False) -> None:
    """End the pipeline, and whatever a killed one left behind.

    Examples:
        framerail down
        framerail down --json
    """
    from ops.lasting import bring_down
    from ops.progress import shown_progress

    with shown_progress(messages) as report:
        ended = bring_down(report)
    messages.print("everything has ended" if ended else "nothing was running")
    if as_json:
        print_document({"ended": ended})


def _options(
    cameras: int,
    video: Path | None,
    rtsp: str | None,
    streams: Path | None,
    ports: list[str] | None,
) -> "StackOptions":
    from ops.options import DEMO_VIDEO, StackOptions, checked_options

    return checked_options(
        StackOptions(
            cameras=cameras,
            video=str(DEMO_VIDEO if video is None else video.resolve()),
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
