"""`framerail replay` and `framerail diff`."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from consumer.replaying.order import ReplayOrder, ReplayReport
from consumer.replaying.replay import replay as replayed
from consumer.settings import ConsumerSettings
from contracts.errors import InvalidRecord
from contracts.names import checked_stream_id, replay_topic, results_topic
from local.part import Report
from local.stack import CHECKOUT
from local.stopping import caught_signals
from ops.failures import Interrupted
from ops.progress import shown_progress
from ops.replay.comparing import Wish, compare
from ops.replay.moments import default_name, edge, time_left_s
from ops.replay.printing import print_diff, print_replay
from ops.replay.report import DiffReport
from ops.target import Target, chosen_target
from runtime.errors import ConfigurationError, FramerailError
from runtime.logs import configure_logs, get_logger
from runtime.settings import load_settings
from runtime.stop import StopSignal

messages = Console(stderr=True)
answers = Console()

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, on the last line.")]
Stream = Annotated[str, typer.Option(help="The stream whose frames are replayed.")]
ModelVersion = Annotated[str, typer.Option(help="The version of the model that is asked.")]
Begin = Annotated[str | None, typer.Option("--from", help="Frames captured from then on.")]
End = Annotated[
    str | None, typer.Option("--to", help="Frames captured before; `now` if not given.")
]
BeginAt = Annotated[int | None, typer.Option("--from-offset", min=0, help="The first frame.")]
EndAt = Annotated[int | None, typer.Option("--to-offset", min=0, help="The last frame, included.")]


class TooDifferent(FramerailError):
    """More frames differ than --fail-above allows."""


def replay(
    stream: Stream,
    model_version: ModelVersion,
    begin: Begin = None,
    end: End = None,
    from_offset: BeginAt = None,
    to_offset: EndAt = None,
    model: Annotated[
        str | None, typer.Option(help="The model; that of the consumer's settings if not given.")
    ] = None,
    into: Annotated[
        str | None, typer.Option(help="Write to results.<NAME>; <stream>-v<version>-<time> if not.")
    ] = None,
    evidence: Annotated[
        str, typer.Option(help="Frames whose JPEGs go along: none, best, first, all, spread:N.")
    ] = "none",
    as_json: AsJson = False,
) -> None:
    """Send frames that Kafka still holds through another version of the model.

    The results go to a topic of their own, and live goes on beside it. `framerail diff` compares.

    A time is ISO 8601 (local without a zone), `now`, or how long ago: 90s, 10m, 2h, 1d. Examples:

    framerail replay --stream cam1 --from 10m --model-version 1

    framerail replay --stream cam1 --from 2026-11-22T10:15 --to 10m --model-version 1 --into fp32

    framerail replay --stream cam1 --from-offset 0 --to-offset 799 --model-version 1 --json
    """
    _check_stream(stream)
    now = datetime.now(UTC)
    to = "now" if end is None and to_offset is None else end
    order = ReplayOrder(
        stream_id=stream,
        begin=edge("from", begin, from_offset, now),
        end=edge("to", to, to_offset, now),
        name=_checked_name(default_name(stream, model_version, now) if into is None else into),
        evidence=_checked_evidence(evidence),
    )
    report = _run(_consumer_settings(chosen_target(), model, model_version), order)
    if as_json:
        _print_json(report)
    else:
        print_replay(answers, report)
    if not report.is_complete:
        raise Interrupted(
            f"interrupted; {report.written} of {report.frames} frames are in {report.topic}"
        )


def diff(
    a: Annotated[str, typer.Argument(help="The results that count as reference.")],
    b: Annotated[str, typer.Argument(help="The results that are compared with them.")],
    iou: Annotated[
        float, typer.Option(min=0.01, max=1, help="Overlap from which two boxes are the same.")
    ] = 0.5,
    stream: Annotated[
        str | None, typer.Option(help="The stream; that of the replay if not given.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Draw the biggest changes into this folder.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=200, help="How many pictures at most.")] = 5,
    fail_above: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="End with exit code 1 if a greater share of frames differs."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two results topics on the frames that both hold.

    A and B are `results` (live), `results.<name>` (a replay), or `<name>` for short.

    A frame differs if a box is in one only; confidences alone make no difference. Examples:

    framerail diff results cam1-v1-20261122T101500

    framerail diff fp32 int8 --pictures changes/ --top 10

    framerail diff results fp32 --json --fail-above 0.1
    """
    wish = Wish((_topic(a), _topic(b)), stream, iou, pictures, top)
    with shown_progress(messages) as report_progress:
        report = compare(
            chosen_target().settings,
            wish,
            lambda frames: report_progress("diff", f"{frames} frames compared"),
        )
    if as_json:
        _print_json(report)
    else:
        print_diff(answers, report)
    if fail_above is not None and report.share > fail_above:
        raise TooDifferent(
            f"{report.share:.1%} of the frames differ, --fail-above allows {fail_above:.1%}"
        )


def _run(settings: ConsumerSettings, order: ReplayOrder) -> ReplayReport:
    # What live says of each batch is too much here, beside the progress.
    configure_logs(settings.model_copy(update={"log_level": "warning"}), "replay")
    stop = StopSignal()
    with caught_signals(stop), shown_progress(messages) as shown:
        report = replayed(settings, order, stop, get_logger(), _Progress(shown))
        if report.is_complete:
            shown("replay", f"ready, {report.written} frames in {report.topic}")
    return report


class _Progress:
    """Counts the time from the loop's beginning: what came before says nothing of its speed."""

    def __init__(self, shown: Report) -> None:
        self._shown = shown
        self._begun_s: float | None = None

    def __call__(self, done: int, total: int) -> None:
        now_s = time.monotonic()
        if self._begun_s is None:
            self._begun_s = now_s
        left_s = time_left_s(done, total, now_s - self._begun_s)
        left = "" if left_s is None else f", {left_s:.0f} s left"
        self._shown("replay", f"{done} of {total} frames{left}")


def _consumer_settings(target: Target, model: str | None, version: str) -> ConsumerSettings:
    if not (version.isascii() and version.isdigit()):
        raise ConfigurationError(f"--model-version {version!r}: expected a number")
    given: dict[str, object] = {
        "kafka_bootstrap_servers": target.settings.kafka_bootstrap_servers,
        "model_version": version,
    }
    if target.triton_address is not None:
        given["triton_address"] = target.triton_address
    if model is not None:
        given["model_name"] = model
    settings = load_settings(ConsumerSettings, **given)
    # The services of `framerail up` run in the checkout, where a relative path of theirs begins.
    return settings.model_copy(update={"labels_file": CHECKOUT / settings.labels_file})


def _check_stream(stream: str) -> None:
    try:
        checked_stream_id(stream)
    except InvalidRecord as error:
        raise ConfigurationError(f"--stream: {error}") from error


def _checked_name(name: str) -> str:
    try:
        replay_topic(name)
    except InvalidRecord as error:
        raise ConfigurationError(f"--into: {error}") from error
    return name


def _checked_evidence(evidence: str) -> str:
    try:
        if evidence != "none":
            load_settings(ConsumerSettings, evidence=evidence)
    except ConfigurationError as error:
        expected = "expected none, best, first, all or spread:N"
        raise ConfigurationError(f"--evidence {evidence!r}: {expected}") from error
    return evidence


def _topic(text: str) -> str:
    try:
        return results_topic(text)
    except InvalidRecord as error:
        raise ConfigurationError(str(error)) from error


def _print_json(report: ReplayReport | DiffReport) -> None:
    sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
