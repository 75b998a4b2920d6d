"""`framerail replay` and `framerail diff`."""

from pathlib import Path
from typing import Annotated

import typer

from contracts.errors import InvalidRecord
from contracts.names import results_topic
from ops.completion import known_streams
from ops.failures import Interrupted
from ops.terminal import AsJson, answers, messages, print_document
from runtime.errors import ConfigurationError, FramerailError

WINDOW = "Frames"
Begin = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="Frames captured from then on.", rich_help_panel=WINDOW
    ),
]
End = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="TIME",
        help="Frames captured before; `now` if not given.",
        rich_help_panel=WINDOW,
    ),
]
BeginAt = Annotated[
    int | None,
    typer.Option(
        "--from-offset", min=0, metavar="OFFSET", help="The first frame.", rich_help_panel=WINDOW
    ),
]
EndAt = Annotated[
    int | None,
    typer.Option(
        "--to-offset",
        min=0,
        metavar="OFFSET",
        help="The last frame, included.",
        rich_help_panel=WINDOW,
    ),
]


class TooDifferent(FramerailError):
    """More frames differ than --fail-above allows."""


def replay(
    stream: Annotated[
        str,
        typer.Option(
            metavar="ID",
            help="The stream whose frames are replayed.",
            autocompletion=known_streams,
        ),
    ],
    model_version: Annotated[
        str, typer.Option(metavar="N", help="The version of the model that is asked.")
    ],
    begin: Begin = None,
    end: End = None,
    from_offset: BeginAt = None,
    to_offset: EndAt = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The model; that of the consumer's settings if not given."
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Write to results.NAME; <stream>-v<version>-<time> if not."
        ),
    ] = None,
    evidence: Annotated[
        str,
        typer.Option(
            metavar="WHICH",
            help="Frames whose JPEGs go along: none, best, first, all, spread:N.",
        ),
    ] = "none",
    as_json: AsJson = False,
) -> None:
    """Send frames that Kafka holds through another model version.

    The results go to a topic of their own, and live goes on beside it. `framerail diff` compares.

    A time is ISO 8601 (local without a zone), `now`, or how long ago: 90s, 10m, 2h, 1d.

    Examples:
        framerail replay --stream cam1 --from 10m --model-version 1
        framerail replay --stream cam1 --from 2h --to 1h --model-version 1 --json
        framerail replay --stream cam1 --from 10m --model-version 1 --into fp32
    """
    from ops.replay.printing import print_replay
    from ops.replay.running import ordered, run

    bounds = ((begin, from_offset), (end, to_offset))
    order = ordered(stream, model_version, bounds, into, evidence)
    report = run(order, model, model_version)
    if as_json:
        print_document(report)
    else:
        print_replay(answers, report)
    if not report.is_complete:
        raise Interrupted(
            f"interrupted; {report.written} of {report.frames} frames are in {report.topic}"
        )


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="The results that count as reference.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The results that are compared with them.")],
    iou: Annotated[
        float,
        typer.Option(
            min=0.01, max=1, metavar="SHARE", help="Overlap from which two boxes are the same."
        ),
    ] = 0.5,
    stream: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="The stream; that of the replay if not given.",
            autocompletion=known_streams,
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw the biggest changes into this folder."),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, max=200, metavar="N", help="How many pictures at most.")
    ] = 5,
    fail_above: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            metavar="SHARE",
            help="End with exit code 1 if a greater share of frames differs.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two results topics on the frames that both hold.

    A and B are `results` (live), `results.<name>` (a replay), or `<name>` for short.

    A frame differs if a box is in one only; confidences alone make no difference.

    Examples:
        framerail diff results cam1-v1-20261122T101500
        framerail diff fp32 int8 --pictures changes/ --top 10
        framerail diff results fp32 --json --fail-above 0.1
    """
    topics = (_topic(a), _topic(b))

    from ops.progress import shown_progress
    from ops.replay.comparing import Wish, compare
    from ops.replay.printing import print_diff
    from ops.target import chosen_target

    with shown_progress(messages) as progress:
        report = compare(
            chosen_target().settings,
            Wish(topics, stream, iou, pictures, top),
            lambda frames: progress("diff", f"{frames} frames compared"),
        )
    if as_json:
        print_document(report)
    else:
        print_diff(answers, report)
    if fail_above is not None and report.share > fail_above:
        raise TooDifferent(
            f"{report.share:.1%} of the frames differ, --fail-above allows {fail_above:.1%}"
        )


def _topic(text: str) -> str:
    try:
        return results_topic(text)
    except InvalidRecord as error:
        raise ConfigurationError(str(error)) from error
