"""`python -m postproc`: reads the settings, wires the parts and runs the loop."""

import random
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from postproc.crew import Crew
from postproc.deadletters import KafkaDeadLetters
from postproc.kafka_source import KafkaResultsSource
from postproc.patience import PatientStore
from postproc.pictures import PictureLimits
from postproc.preflight import prepared
from postproc.service import Limits, PostprocService
from postproc.settings import PostprocSettings
from postproc.store import S3Store
from postproc.tracing import TracedResults, TracedStore
from postproc.worker import RecordWorker, untraced
from runtime.health import Heartbeat
from runtime.kafka_clients import open_producer
from runtime.logs import Logger
from runtime.preflight.clocks import s3_clock
from runtime.preflight.findings import asked, pass_or_refuse, refused
from runtime.service import run_service
from runtime.starting import await_answer
from runtime.stop import StopSignal
from runtime.topics import deadletter_limit_bytes
from runtime.tracing import tracing

if TYPE_CHECKING:
    from runtime.otel import Tracer

RESULTS_PER_THREAD = 2
"""One worked on and one waiting, so that a thread that ends never waits for the next poll."""


def serve(settings: PostprocSettings, stop: StopSignal, heartbeat: Heartbeat, log: Logger) -> None:
    """Wire the post-processor and run it until the stop signal."""
    store = S3Store.connect(settings)
    check(store, settings, stop, heartbeat, log)
    if stop.is_set:
        return
    with tracing(settings, "postproc", stop) as tracer:
        run(store, settings, stop, heartbeat, log, tracer)


def run(
    store: S3Store,
    settings: PostprocSettings,
    stop: StopSignal,
    heartbeat: Heartbeat,
    log: Logger,
    tracer: "Tracer | None",
) -> None:
    """Turn until the stop signal."""
    producer = open_deadletters(settings)
    source = KafkaResultsSource(settings, log)
    rng = random.Random()  # noqa: S311 - jitter, not a secret
    asked = store if tracer is None else TracedStore(store, settings)
    worker = RecordWorker(
        PictureLimits(settings.max_evidence_px, settings.evidence_jpeg_quality),
        PatientStore(asked, stop, heartbeat, log, rng),
        KafkaDeadLetters(producer, stop, deadletter_limit_bytes(settings), heartbeat.beat),
        log,
        traced=untraced if tracer is None else TracedResults(tracer, settings.postproc_group),
    )
    crew = Crew(settings.upload_threads, heartbeat.watching(worker))
    try:
        PostprocService(source, crew, limits(settings), log).run(stop, heartbeat)
    finally:
        source.close()
        with suppress(KafkaTimeoutError):  # what it holds is read and refused again
            producer.close(timeout=1)


def check(
    store: S3Store, settings: PostprocSettings, stop: StopSignal, heartbeat: Heartbeat, log: Logger
) -> None:
    """Make what topics are missing, wait for the store, and check all that concerns this service.

    Raises ConfigurationError with every refused finding, DependencyError if a system stays away.
    """
    found = prepared(settings)
    patience_s = 0.0 if refused(found) else settings.s3_start_timeout_s
    ahead_s = asked(
        "S3 write",
        settings.s3_bucket,
        lambda: await_store(store, settings, stop, heartbeat, patience_s),
        found,
    )
    pass_or_refuse(found if ahead_s is None else [*found, s3_clock(ahead_s)], log)


def await_store(
    store: S3Store,
    settings: PostprocSettings,
    stop: StopSignal,
    heartbeat: Heartbeat,
    patience_s: float,
) -> float | None:
    """Return by how many seconds our clock is ahead of S3's, once the bucket takes an object.

    None at a stop, and where S3 does not tell. Raises StoreRefused at once if the bucket never
    will take one, DependencyError if S3 stays away for `patience_s` seconds.
    """

    def ask() -> float | None:
        if settings.s3_create_bucket:
            store.create_bucket()
        return store.check_writable()

    return await_answer(ask, "FRAMERAIL_S3_ENDPOINT_URL", patience_s, stop, heartbeat)


def limits(settings: PostprocSettings) -> Limits:
    """Return what bounds the loop. A handover leaves two thirds of the session to heartbeats."""
    return Limits(
        max_in_flight=RESULTS_PER_THREAD * settings.upload_threads,
        stop_timeout_s=settings.stop_timeout_s,
        handover_s=settings.kafka_session_timeout_s / 3,
    )


def open_deadletters(settings: PostprocSettings) -> KafkaProducer:
    """Connect a producer that may send as much as the dead-letter topic takes."""
    limit_bytes = deadletter_limit_bytes(settings)
    return open_producer(settings, "framerail-postproc", limit_bytes, linger_ms=0)


if __name__ == "__main__":
    sys.exit(run_service("postproc", PostprocSettings, serve))
