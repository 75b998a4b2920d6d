"""`framerail preflight`: told before anything starts what will not fit, and what to change."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ops.preflight.in_kafka import found_in_kafka, read_cameras
from ops.preflight.in_s3 import found_in_s3
from ops.preflight.in_triton import found_at_triton
from ops.preflight.printing import arranged, print_document, print_table
from ops.preflight.settings import PreflightSettings
from ops.target import Target, chosen_target
from runtime.errors import ConfigurationError, DependencyError, TransientError
from runtime.preflight.findings import Finding, Verdict, refused
from runtime.s3 import place_of

PATIENCE_S = 10.0
"""A person waits: what does not answer for so long is told to be away."""
LARGEST_SIDE_PX = 65_535
"""Of a JPEG, whose header has 16 bits for each."""
answers = Console()


def preflight(
    streams: Annotated[
        Path | None, typer.Option(help="Cameras to be started, as in streams.example.yaml.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="WxH in pixels of cameras without frames in Kafka yet.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document, on the last line.")
    ] = False,
) -> None:
    """Check sizes, retention, rights, clocks and the model before anything is started.

    Of the pipeline that the FRAMERAIL_* variables name, else of the one that runs here. Nothing is
    made or changed, but for one empty object in S3, which is deleted again. Examples:

    framerail preflight

    framerail preflight --size 3840x2160

    framerail preflight --streams streams.yaml --size 1920x1080 --json
    """
    target = chosen_target()
    size_wh = None if size is None else read_size(size)
    findings = survey(target, streams, size_wh)
    if as_json:
        print_document(findings)
    else:
        print_table(answers, findings)
    conclude(findings)


def read_size(text: str) -> tuple[int, int]:
    """Return (width, height) in pixels of "1920x1080"; raise ConfigurationError for no such."""
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None or max(int(match[1]), int(match[2])) > LARGEST_SIDE_PX:
        raise ConfigurationError(f"--size {text}: expected <width>x<height> in pixels")
    return int(match[1]), int(match[2])


def survey(
    target: Target, streams_file: Path | None, size_wh: tuple[int, int] | None
) -> list[Finding]:
    """Return all findings; a system that is away or refuses us is one, and the others go on.

    Raises ConfigurationError if a setting of the services is wrong.
    """
    settings = target.settings_as(PreflightSettings)
    if not target.given and streams_file is None and settings.streams_file.is_file():
        streams_file = settings.streams_file  # as the producer would
    start_timeout_s = min(settings.kafka_start_timeout_s, PATIENCE_S)
    settings = settings.model_copy(update={"kafka_start_timeout_s": start_timeout_s})
    cameras, of_file = read_cameras(streams_file)
    bucket, place = settings.s3_bucket, place_of(settings)
    is_made = settings.s3_create_bucket
    return arranged(
        [
            *of_file,
            *_answered(
                "Kafka",
                settings.kafka_bootstrap_servers,
                lambda: found_in_kafka(settings, cameras, size_wh),
            ),
            *_answered(
                "S3",
                bucket,
                lambda: found_in_s3(target.s3(), bucket, place, is_bucket_made=is_made),
            ),
            *_answered("model", settings.model_name, lambda: found_at_triton(settings)),
        ]
    )


def _answered(name: str, subject: str, look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except (DependencyError, TransientError) as error:
        return [Finding(name, subject, Verdict.AWAY, str(error))]
    except ConfigurationError as error:
        return [Finding(name, subject, Verdict.REFUSED, str(error))]


def conclude(findings: list[Finding]) -> None:
    """Raise ConfigurationError if a finding is refused, DependencyError if a system is away."""
    wrong = refused(findings)
    if wrong:
        raise ConfigurationError(f"{len(wrong)} check(s) refuse a start")
    away = [one.subject for one in findings if one.verdict is Verdict.AWAY]
    if away:
        raise DependencyError(f"away: {', '.join(away)}")
