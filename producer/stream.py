"""One stream: its camera's reader, its outbox and its publisher, and the threads they run in."""

import random
import threading
import time
from collections.abc import Callable
from contextvars import copy_context

from producer.camera import Camera
from producer.camera_tls import is_rtsps
from producer.capture_clock import CaptureClock
from producer.jpeg import JpegEncoder
from producer.load import LoadGovernor, LoadPacer
from producer.metrics import ProducerMetrics, StreamMetrics
from producer.outbox import Outbox
from producer.pacing import Pacer
from producer.publisher import Publisher, RecordSender
from producer.sampling import FrameSampler
from producer.selection import FrameSelection
from producer.settings import ProducerSettings
from producer.stillness import StillnessWatch
from producer.stream_reader import Reconnection, StreamReader
from producer.stream_session import StreamSession
from runtime.health import Heartbeat
from runtime.logs import Logger
from runtime.stop import StopSignal
from runtime.streams_file import StreamSpec


class Stream:
    """Starts and ends the two threads of one stream, and knows whether they still turn."""

    def __init__(
        self,
        reader: StreamReader,
        publisher: Publisher,
        outbox: Outbox,
        heartbeats: tuple[Heartbeat, Heartbeat],
        log: Logger,
        stream_id: str,
    ) -> None:
        self._publisher = publisher
        self._outbox = outbox
        self._heartbeats = heartbeats
        self._log = log
        self._reading = _thread(f"read {stream_id}", reader.run)
        self._publishing = _thread(f"publish {stream_id}", publisher.run)

    def start(self) -> None:
        """Begin to read and to publish."""
        self._reading.start()
        self._publishing.start()

    @property
    def is_alive(self) -> bool:
        """Whether both threads run and have turned recently."""
        is_running = self._reading.is_alive() and self._publishing.is_alive()
        return is_running and all(heartbeat.is_alive for heartbeat in self._heartbeats)

    @property
    def next_offset(self) -> int | None:
        """Offset behind the newest published frame; None before the first."""
        return self._publisher.next_offset

    def finish_reading(self, deadline_s: float) -> None:
        """After the stop signal: wait for the reader, no longer than `deadline_s` (monotonic)."""
        self._reading.join(max(0.0, deadline_s - time.monotonic()))
        self._outbox.close()

    def finish_publishing(self, deadline_s: float) -> None:
        """Publish what waits, no longer than `deadline_s` (monotonic); say what is left."""
        is_settled = self._outbox.wait_until_settled(deadline_s)
        self._publisher.abandon()
        self._publishing.join(max(0.0, deadline_s - time.monotonic()))
        if is_settled:
            self._log.info("stream.stopped")
        else:
            self._log.error("stream.stopped", unpublished=self._outbox.unsettled)


def _thread(name: str, run: Callable[[], None]) -> threading.Thread:
    # In our context, so that its log lines name the service too; and a daemon, because a reader
    # that sits in a stalled read must not hold up the end of the process.
    return threading.Thread(target=copy_context().run, args=(run,), name=name, daemon=True)


def open_stream(
    spec: StreamSpec,
    settings: ProducerSettings,
    governor: LoadGovernor,
    sender: RecordSender,
    stop: StopSignal,
    metrics: ProducerMetrics,
    log: Logger,
    rng: random.Random,
    sampler: FrameSampler | None = None,
) -> Stream:
    """Wire one stream; nothing runs until it is started."""
    stream_metrics = StreamMetrics(metrics, spec.id)
    outbox = Outbox(settings.buffer_frames, settings.max_in_flight, stream_metrics)
    reads, publishes = (Heartbeat(time.monotonic, settings.stuck_after_s) for _ in range(2))
    if is_rtsps(spec.url) and settings.camera_ca_file is None:
        log.warning("stream.certificate_unchecked", told_by="FRAMERAIL_CAMERA_CA_FILE")
    reader = StreamReader(
        connect=lambda: Camera(
            spec.url,
            settings.connect_timeout_s,
            settings.stall_timeout_s,
            ca_file=settings.camera_ca_file,
        ),
        new_session=_session_factory(
            spec, settings, governor, outbox, stream_metrics, log, sampler
        ),
        reconnection=_reconnection(settings),
        stop=stop,
        beat=reads.beat,
        metrics=stream_metrics,
        log=log,
        now_s=time.monotonic,
        rng=rng,
    )
    publisher = Publisher(spec.id, outbox, sender, publishes.beat, log, time.monotonic)
    return Stream(reader, publisher, outbox, (reads, publishes), log, spec.id)


def _reconnection(settings: ProducerSettings) -> Reconnection:
    return Reconnection(
        settings.reconnect_first_s, settings.reconnect_longest_s, settings.settled_after_s
    )


def _session_factory(
    spec: StreamSpec,
    settings: ProducerSettings,
    governor: LoadGovernor,
    outbox: Outbox,
    metrics: StreamMetrics,
    log: Logger,
    sampler: FrameSampler | None,
) -> Callable[[str], StreamSession]:
    clock = CaptureClock(int(settings.max_clock_skew_s * 1e9))
    quality = settings.jpeg_quality if spec.jpeg_quality is None else spec.jpeg_quality
    encoder = JpegEncoder(quality, spec.max_width, settings.max_frame_bytes)

    def new_session(session: str) -> StreamSession:
        stillness = StillnessWatch(settings.frozen_after_s, settings.frozen_heartbeat_s)
        selection = FrameSelection(Pacer(spec.max_fps), LoadPacer(governor), stillness)
        return StreamSession(
            session, clock, selection, encoder, outbox, metrics, log, time.monotonic, sampler
        )

    return new_session
