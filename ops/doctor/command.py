"""`framerail doctor`: how healthy one camera is, why where it is not, and how it is best read."""

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ops.terminal import AsJson, answers, messages, print_document
from runtime.errors import ConfigurationError, DependencyError, FramerailError

if TYPE_CHECKING:
    from producer.diagnosis.report import Diagnosis

Transport = Literal["tcp", "udp"]


class UnhealthyCamera(FramerailError):
    """The camera was reached, and delivers no video to rely on."""


def doctor(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="The camera's URL, as in streams.yaml: ${NAME} is taken from the environment.",
            show_default=False,
        ),
    ],
    seconds: Annotated[
        float,
        typer.Option(
            min=2,
            max=300,
            metavar="SECONDS",
            help="How long to watch; 30 to be sure of the clock.",
        ),
    ] = 10,
    transport: Annotated[
        Transport, typer.Option(help="udp tries whether UDP works; the producer reads by TCP.")
    ] = "tcp",
    as_json: AsJson = False,
) -> None:
    """Watch one camera: what it sends, and what is wrong with it.

    Its entry for streams.yaml is told too. A password is best left in the environment; the shell's
    single quotes keep ${...} as it is. Ends with 0 for a camera that can be used, 1 for unhealthy
    video, 2 for a wrong URL, 3 where the camera cannot be reached or refuses.

    Examples:
        framerail doctor rtsp://192.168.1.20/stream1
        framerail doctor 'rtsp://${GATE_USER}:${GATE_PASSWORD}@host/' --seconds 30
        framerail doctor rtsp://192.168.1.20/stream1 --transport udp --json
    """
    from ops.doctor.printing import print_diagnosis
    from ops.progress import shown_wait

    with shown_wait(messages, "watching the camera", seconds):
        diagnosis = _diagnosed(url, seconds, transport)
    if as_json:
        print_document(diagnosis)
    else:
        print_diagnosis(answers, diagnosis)
    check_diagnosis(diagnosis)


def check_diagnosis(diagnosis: "Diagnosis") -> None:
    """Raise UnhealthyCamera or DependencyError, which says why, for a camera of no use."""
    if diagnosis.problem is None:
        return
    said = f"{diagnosis.url}: {diagnosis.problem.said}"
    if diagnosis.verdict == "unreachable":
        raise DependencyError(said)
    raise UnhealthyCamera(said)


def _diagnosed(given: str, seconds: float, transport: Transport) -> "Diagnosis":
    from producer.diagnosis import diagnose
    from producer.diagnosis.probe import Watch
    from producer.settings import ProducerSettings
    from runtime.settings import load_settings
    from runtime.streams_file import read_url

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
