"""Wires a replay: whose settings, where to, and how it is stopped."""

from datetime import UTC, datetime

from consumer.replaying.order import ReplayOrder, ReplayReport
from consumer.replaying.replay import replay
from consumer.settings import ConsumerSettings
from contracts.errors import InvalidRecord
from contracts.names import checked_stream_id, replay_topic
from local.stack import CHECKOUT
from local.stopping import caught_signals
from ops.progress import shown_progress
from ops.replay.moments import default_name, edge
from ops.target import Target, chosen_target
from ops.terminal import messages
from runtime.errors import ConfigurationError
from runtime.logs import configure_logs, get_logger
from runtime.settings import load_settings
from runtime.stop import StopSignal

Bound = tuple[str | None, int | None]
"""One end of the window as it was given: a time, or an offset."""


def ordered(
    stream: str, version: str, bounds: tuple[Bound, Bound], into: str | None, evidence: str
) -> ReplayOrder:
    """Return what is to be replayed; raise ConfigurationError, naming the option, if nothing is."""
    try:
        checked_stream_id(stream)
    except InvalidRecord as error:
        raise ConfigurationError(f"--stream: {error}") from error
    now = datetime.now(UTC)
    (begin, from_offset), (end, to_offset) = bounds
    to = "now" if end is None and to_offset is None else end
    return ReplayOrder(
        stream_id=stream,
        begin=edge("from", begin, from_offset, now),
        end=edge("to", to, to_offset, now),
        name=_checked_name(default_name(stream, version, now) if into is None else into),
        evidence=_checked_evidence(evidence),
    )


def run(order: ReplayOrder, model: str | None, version: str) -> ReplayReport:
    """Replay, showing how far it is; raises as `consumer.replaying.replay.replay` does."""
    settings = _consumer_settings(chosen_target(), model, version)
    # What live says of each batch is too much here, beside the progress.
    configure_logs(settings.model_copy(update={"log_level": "warning"}), "replay")
    stop = StopSignal()
    with caught_signals(stop), shown_progress(messages) as shown:

        def on_progress(done: int, total: int) -> None:
            shown.count("replay", done, total, "frames")

        report = replay(settings, order, stop, get_logger(), on_progress)
        if report.is_complete:
            shown("replay", f"ready, {report.written} frames in {report.topic}")
    return report


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
