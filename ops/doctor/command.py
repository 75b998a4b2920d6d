"""`framerail doctor`: how healthy one camera is, why where it is not, and how it is best read."""

import os
import sys
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from ops.doctor.printing import print_diagnosis
from producer.camera import Transport
from producer.diagnosis import diagnose
from producer.diagnosis.probe import Watch
from producer.diagnosis.report import Diagnosis
from producer.settings import ProducerSettings
from runtime.errors import ConfigurationError, DependencyError, FramerailError
from runtime.settings import load_settings
from runtime.streams_file import read_url

answers = Console()
messages = Console(stderr=True)


class UnhealthyCamera(FramerailError):
    """The camera was reached, and delivers no video to rely on."""


def doctor(
    url: Annotated[
        str,
        typer.Argument(
            help="The camera's URL, as in streams.yaml: ${NAME} is taken from the environment.",
            show_default=False,
        ),
    ],
    seconds: Annotated[
        float, typer.Option(min=2, max=300, help="How long to watch; 30 to be sure of the clock.")
    ] = 10,
    transport: Annotated[
        Transport, typer.Option(help="udp tries whether UDP works; the producer reads by TCP.")
    ] = "tcp",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, on the last line.")
    ] = False,
) -> None:
    """Watch one camera; tell what it sends, what is wrong, and its entry for streams.yaml.

    A password is best left in the environment; the shell's single quotes keep ${...} as it is.
    Ends with 0 for a camera that can be used, 1 for unhealthy video, 2 for a wrong URL, 3 where
    the camera cannot be reached or refuses. Examples:

    framerail doctor rtsp://192.168.1.20/stream1

    framerail doctor 'rtsp://${GATE_USER}:${GATE_PASSWORD}@192.168.1.20/stream1' --seconds 30

    framerail doctor rtsp://192.168.1.20/stream1 --transport udp --json
    """
    with messages.status(f"watching the camera for {seconds:g} s"):
        diagnosis = _diagnosed(url, seconds, transport)
    if as_json:
        sys.stdout.write(msgspec.json.encode(diagnosis).decode() + "\n")
    else:
        print_diagnosis(answers, diagnosis)
    check_diagnosis(diagnosis)


def check_diagnosis(diagnosis: Diagnosis) -> None:
    """Raise UnhealthyCamera or DependencyError, which says why, for a camera of no use."""
    if diagnosis.problem is None:
        return
    said = f"{diagnosis.url}: {diagnosis.problem.said}"
    if diagnosis.verdict == "unreachable":
        raise DependencyError(said)
    raise UnhealthyCamera(said)


def _diagnosed(given: str, seconds: float, transport: Transport) -> Diagnosis:
    url = read_url(given, os.environ)
    if transport == "udp" and url.startswith("rtsps:"):
        raise ConfigurationError("--transport udp: rtsps:// carries its video by TCP alone")
    settings = load_settings(ProducerSettings)
    watch = Watch(
        seconds,
        transport,
        settings.connect_timeout_s,
        settings.stall_timeout_s,
        settings.max_clock_skew_s,
        settings.frozen_after_s,
        settings.camera_ca_file,
    )
    return diagnose(given, url, watch)
