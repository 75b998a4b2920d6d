"""What is found in Kafka: topics, rights, sizes, retention, lag and the brokers' clock."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import consumer.preflight as consumer_part
import postproc.preflight as postproc_part
import producer.preflight as producer_part
from contracts.names import stream_of_topic
from ops.preflight.estimates import estimated
from ops.preflight.samples import measured
from ops.preflight.settings import PreflightSettings
from runtime.errors import ConfigurationError
from runtime.kafka_clients import admin_client
from runtime.preflight.facts import FrameLoad, KafkaFacts
from runtime.preflight.findings import Finding, Verdict, judged, skipped
from runtime.preflight.kafka_facts import frames_topics, read_kafka
from runtime.preflight.machine import memory_limit_bytes
from runtime.preflight.sizes import FRAME
from runtime.streams_file import StreamSpec, read_streams
from runtime.topics import (
    TopicSpec,
    deadletter_spec,
    frames_spec,
    prepare_topics,
    results_spec,
)

STREAMS = "streams file"


def read_cameras(path: Path | None) -> tuple[tuple[StreamSpec, ...], list[Finding]]:
    """Return the cameras of a file, none without one, and what is found of the file."""
    if path is None:
        return (), []
    try:
        streams = read_streams(path, os.environ)
    except ConfigurationError as error:
        return (), [Finding(STREAMS, str(path), Verdict.REFUSED, str(error))]
    return streams, [judged(STREAMS, str(path), f"{len(streams)} stream(s)", "")]


def found_in_kafka(
    settings: PreflightSettings, streams: Sequence[StreamSpec], size_wh: tuple[int, int] | None
) -> list[Finding]:
    """Gather what Kafka tells, and judge it as each service would; nothing is made or changed.

    Raises DependencyError if no broker answers, ConfigurationError if they refuse us.
    """
    own = [results_spec(settings), deadletter_spec(settings)]
    cameras = [frames_spec(settings, stream.id) for stream in streams]
    groups = [settings.consumer_group, settings.postproc_group]
    with admin_client(settings) as admin:
        others = frames_topics(admin)
        specs = [*own, *cameras]
        topics = prepare_topics(admin, settings, specs, _without(others, specs), is_trial=True)
        frames = [*_without(others, cameras), *(spec.name for spec in cameras)]
        facts = read_kafka(admin, topics.topics, frames, groups)
    loads = measured(settings, facts)
    loads += estimated(streams, size_wh, settings.jpeg_quality, loads)
    return [*topics.findings, *_judged(settings, facts, frames, loads)]


def _judged(
    settings: PreflightSettings,
    facts: KafkaFacts,
    frames: Sequence[str],
    loads: Sequence[FrameLoad],
) -> list[Finding]:
    written = [frames_spec(settings, stream_of_topic(name)) for name in frames]
    memory_bytes = memory_limit_bytes()
    found = [
        *producer_part.own_part(settings, written, facts),
        *consumer_part.own_part(settings, facts),
        *consumer_part.of_frames_topics(settings, facts, frames),
        *postproc_part.own_part(settings, facts),
        *producer_part.of_traffic(settings, facts, loads, memory_bytes),
        *consumer_part.of_traffic(settings, facts, loads, memory_bytes),
    ]
    if not loads:
        why = "no frames lie in Kafka yet: say how large they will be with --size WxH"
        found.append(skipped(FRAME, "frames", why))
    return found


def _without(names: Iterable[str], specs: Iterable[TopicSpec]) -> list[str]:
    known = {spec.name for spec in specs}
    return [name for name in names if name not in known]
