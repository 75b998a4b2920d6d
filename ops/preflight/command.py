"""`framerail preflight`: told before anything starts what will not fit, and what to change."""

import re
from pathlib import Path
from typing import Annotated

import typer

from ops.terminal import AsJson, answers, messages, print_document
from runtime.errors import ConfigurationError

LARGEST_SIDE_PX = 65_535
"""Of a JPEG, whose header has 16 bits for each."""


def preflight(
    streams: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Cameras to be started, as in streams.example.yaml."),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Pixels of cameras without frames in Kafka yet."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check sizes, rights, clocks and the model before a start.

    Of the pipeline that the FRAMERAIL_* variables name, else of the one that runs here. Nothing is
    made or changed, but for one empty object in S3, which is deleted again.

    Examples:
        framerail preflight
        framerail preflight --size 3840x2160
        framerail preflight --streams streams.yaml --size 1920x1080 --json
    """
    from ops.preflight.printing import document, print_table
    from ops.preflight.survey import conclude, survey
    from ops.target import chosen_target

    target = chosen_target()
    size_wh = None if size is None else read_size(size)
    with messages.status("asking Kafka, S3 and the model server"):
        findings = survey(target, streams, size_wh)
    if as_json:
        print_document(document(findings))
    else:
        print_table(answers, findings)
    conclude(findings)


def read_size(text: str) -> tuple[int, int]:
    """Return (width, height) in pixels of "1920x1080"; raise ConfigurationError for no such."""
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None or max(int(match[1]), int(match[2])) > LARGEST_SIDE_PX:
        raise ConfigurationError(f"--size {text}: expected <width>x<height> in pixels")
    return int(match[1]), int(match[2])
