"""Wires the producer: a reader and a publisher for each stream, and the stop that loses nothing."""

import os
import random
import threading
import time
from collections.abc import Sequence
from contextvars import copy_context
from typing import TYPE_CHECKING

from kafka import KafkaProducer
from kafka.errors import KafkaError
from prometheus_client import REGISTRY

from producer.lag_watch import LagWatch
from producer.load import LoadGovernor
from producer.metrics import ProducerMetrics
from producer.preflight import prepared
from producer.sampling import FrameSampler
from producer.settings import ProducerSettings
from producer.sharding import shard_of_each
from producer.stream import Stream, open_stream
from runtime.health import Heartbeat
from runtime.kafka_clients import open_producer
from runtime.logs import Logger
from runtime.stop import StopSignal
from runtime.streams_file import StreamSpec, read_streams
from runtime.topics import frames_spec
from runtime.tracing import tracing

if TYPE_CHECKING:
    from runtime.otel import Tracer

_TURN_S = 1.0

BATCH_BYTES = 1024 * 1024
"""Some ten frames: a request for each took 1.6 CPU-ms, more than decoding it."""


def serve(settings: ProducerSettings, stop: StopSignal, heartbeat: Heartbeat, log: Logger) -> None:
    """Publish the frames of every camera until the stop signal, then what still waits.

    Raises ConfigurationError for a wrong streams file, and for whatever its preflight refuses;
    DependencyError if no broker answers.
    """
    with tracing(settings, "producer", stop) as tracer:
        _publish(settings, stop, heartbeat, log, tracer)


def _publish(
    settings: ProducerSettings,
    stop: StopSignal,
    heartbeat: Heartbeat,
    log: Logger,
    tracer: "Tracer | None",
) -> None:
    specs = own_share(read_streams(settings.streams_file, os.environ), settings)
    prepared(settings, [frames_spec(settings, spec.id) for spec in specs], log)
    kafka = open_producer(
        settings,
        "framerail-producer",
        settings.max_frame_bytes,
        settings.linger_ms,
        min(BATCH_BYTES, settings.max_frame_bytes),
    )
    governor = LoadGovernor(settings.max_lag_s)
    streams = _opened(specs, settings, governor, kafka, stop, log, tracer)
    for stream in streams.values():
        stream.start()
    watch = LagWatch(settings, streams, governor, stop, log, heartbeat)
    threading.Thread(
        target=copy_context().run, args=(watch.run,), name="lag watch", daemon=True
    ).start()
    heartbeat.require(lambda: stop.is_set or all(one.is_alive for one in streams.values()))
    heartbeat.is_ready = True
    while not stop.wait(_TURN_S):
        heartbeat.beat()
    heartbeat.is_ready = False
    _wind_up(list(streams.values()), kafka, settings.stop_timeout_s, log)


def own_share(specs: Sequence[StreamSpec], settings: ProducerSettings) -> tuple[StreamSpec, ...]:
    """Return the streams that this one of several producers reads."""
    shards = shard_of_each([spec.id for spec in specs], settings.shard_count)
    return tuple(spec for spec in specs if shards[spec.id] == settings.shard_index)


def _opened(
    specs: Sequence[StreamSpec],
    settings: ProducerSettings,
    governor: LoadGovernor,
    kafka: KafkaProducer,
    stop: StopSignal,
    log: Logger,
    tracer: "Tracer | None",
) -> dict[str, Stream]:
    metrics = ProducerMetrics(REGISTRY)
    metrics.retention_seconds.set(settings.frames_retention_s)
    metrics.retention_bytes.set(settings.frames_retention_bytes)
    rng = random.Random()  # noqa: S311  # spreads waits; guards nothing
    return {
        spec.id: open_stream(
            spec,
            settings,
            governor,
            kafka,
            stop,
            metrics,
            log.bind(stream=spec.id),
            rng,
            None if tracer is None else FrameSampler(tracer, spec.id, settings.traces_every_s),
        )
        for spec in specs
    }


def _wind_up(
    streams: Sequence[Stream], kafka: KafkaProducer, timeout_s: float, log: Logger
) -> None:
    """Publish what waits, within `timeout_s` seconds in all; log what could not be."""
    deadline_s = time.monotonic() + timeout_s
    # A reader that sits in a stalled read delivers nothing: it may take a third, no more.
    readers_until_s = time.monotonic() + timeout_s / 3
    for stream in streams:
        stream.finish_reading(readers_until_s)
    for stream in streams:
        stream.finish_publishing(deadline_s)
    try:
        kafka.close(timeout=max(0.0, deadline_s - time.monotonic()))
    except KafkaError as error:
        log.error("producer.unflushed", reason=str(error))
