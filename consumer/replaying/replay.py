"""Sends a window of frames through one model version into a results topic of its own.

The loop, its batches, the decoding, the worker and the way to Triton are those of live; what is
another here is where frames come from, where results go, and that every wait has an end.
"""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace

from consumer.kafka_sink import KafkaResults
from consumer.labels import read_labels
from consumer.patience import PatientInference
from consumer.preflight import of_model
from consumer.replaying.frames import WindowFrames
from consumer.replaying.inference import BoundedInference
from consumer.replaying.order import ReplayOrder, ReplayReport, TopicTaken
from consumer.replaying.results import Counts, ReplayResults
from consumer.replaying.window import Window, find_window
from consumer.service import ConsumerService
from consumer.settings import ConsumerSettings
from consumer.start import await_model, limits, model_of, result_rules
from consumer.triton import ModelNotServed, ModelSignature, TritonModel
from consumer.worker import BatchWorker, ResultRules
from contracts.names import replay_topic
from contracts.replays import replay_headers
from contracts.results import Model
from runtime.deadline import Deadline
from runtime.errors import DependencyError, FramerailError
from runtime.health import Heartbeat
from runtime.kafka_clients import RECORD_OVERHEAD_BYTES
from runtime.log_reader import LogReader
from runtime.logs import Logger
from runtime.preflight.findings import require
from runtime.stop import StopSignal
from runtime.storms import StormFold
from runtime.topics import ensure_topics, results_spec

OnProgress = Callable[[int, int], None]


def replay(
    settings: ConsumerSettings,
    order: ReplayOrder,
    stop: StopSignal,
    log: Logger,
    on_progress: OnProgress,
) -> ReplayReport:
    """Read the window without a group, have it inferred, write its results, and report.

    `on_progress` is told how many frames are safe, and of how many. At the stop signal what is in
    flight is finished. Before anything is written it raises InvalidRecord for a wrong name,
    UnknownStream, WindowEmpty, WindowExpired, TopicTaken, or ModelNotServed; at any time
    DependencyError if Kafka stays away for `kafka_start_timeout_s` or Triton for
    `triton_start_timeout_s`.
    """
    topic = replay_topic(order.name)
    return _Replay(settings, order, topic, stop, log, on_progress).run()


@dataclass(frozen=True, slots=True)
class _Replay:
    settings: ConsumerSettings
    order: ReplayOrder
    topic: str
    stop: StopSignal
    log: Logger
    on_progress: OnProgress

    def run(self) -> ReplayReport:
        settings, order = self.settings, self.order
        labels = read_labels(settings.labels_file)
        with closing(_open_log(settings)) as frames_log, closing(model_of(settings)) as model:
            window = find_window(frames_log, order.stream_id, order.begin, order.end)
            if self.topic in frames_log.topics():
                raise self._taken()
            signature = self._signature(model)
            if signature is None:
                return self._report(window, Counts(), 0, is_complete=False)
            require(of_model(settings, signature))
            if self.topic not in ensure_topics(settings, [results_spec(settings, self.topic)]):
                raise self._taken()
            rules = replace(result_rules(settings, signature, labels), evidence=order.evidence)
            return self._loop(frames_log, window, model, rules)

    def _loop(
        self, frames_log: LogReader, window: Window, model: TritonModel, rules: ResultRules
    ) -> ReplayReport:
        headers = replay_headers(self.settings.min_confidence)
        frames = WindowFrames(
            frames_log,
            window,
            self.stop,
            self._kafka_deadline(),
            lambda done: self.on_progress(done, window.frames),
        )
        infer = self._inference(model)
        self.on_progress(0, window.frames)
        with closing(KafkaResults(self.settings, self.topic, headers)) as sink:
            results = ReplayResults(sink, self._kafka_deadline)
            try:
                self._turn(frames, results, BatchWorker(rules, infer))
                if infer.gave_up is not None:
                    raise DependencyError(infer.gave_up)
            except DependencyError as error:
                told = f"{frames.done} of {window.frames} frames are in {self.topic}"
                raise DependencyError(f"{error}; {told}") from error
        return self._report(window, results.counts, frames.done, frames.is_complete)

    def _turn(self, frames: WindowFrames, results: ReplayResults, worker: BatchWorker) -> None:
        # No frame comes after the window: the rest needs no age to be closed.
        bounds = replace(limits(self.settings), max_batch_age_s=0.0)
        heartbeat = Heartbeat(time.monotonic, self.settings.stuck_after_s)
        ConsumerService(frames, results, worker, bounds, self.log).run(self.stop, heartbeat)

    def _inference(self, model: TritonModel) -> BoundedInference:
        fold, rng = StormFold(time.monotonic), random.Random()  # noqa: S311 - jitter
        return BoundedInference(
            model,
            lambda asked, stop: PatientInference(asked, stop, self.log, fold, rng),
            self.stop,
            lambda: Deadline(self.settings.triton_start_timeout_s),
        )

    def _signature(self, model: TritonModel) -> ModelSignature | None:
        heartbeat = Heartbeat(time.monotonic, self.settings.stuck_after_s)
        try:
            return await_model(model, self.settings, self.stop, heartbeat)
        except ModelNotServed as error:
            ready: list[Model] = []
            with suppress(FramerailError):
                ready = model.ready_models()
            raise ModelNotServed(not_served(self.settings, ready)) from error

    def _kafka_deadline(self) -> Deadline:
        return Deadline(self.settings.kafka_start_timeout_s)

    def _taken(self) -> TopicTaken:
        return TopicTaken(f"topic {self.topic} exists already; choose another name")

    def _report(self, window: Window, counts: Counts, done: int, is_complete: bool) -> ReplayReport:
        return ReplayReport(
            topic=self.topic,
            stream_id=self.order.stream_id,
            models=counts.answered_by,
            min_confidence=self.settings.min_confidence,
            first_offset=window.first_offset,
            last_offset=window.end_offset - 1,
            frames=window.frames,
            written=counts.frames,
            expired=max(done - counts.frames, 0),
            not_inferred=counts.not_inferred,
            batches=counts.batches,
            detections=counts.detections,
            is_cut=window.is_cut,
            is_complete=is_complete,
        )


def not_served(settings: ConsumerSettings, ready: Sequence[Model]) -> str:
    """Return what to say of a model that the server does not have, and which ones it has."""
    told = ", ".join(f"{model.name} {model.version}" for model in ready) or "none"
    return (
        f"Triton at {settings.triton_address} serves no model {settings.model_name!r} version "
        f"{settings.model_version or 'any'}; ready: {told}"
    )


def _open_log(settings: ConsumerSettings) -> LogReader:
    return LogReader(
        settings,
        "framerail-replay",
        max_partition_fetch_bytes=settings.max_frame_bytes + RECORD_OVERHEAD_BYTES,
        max_poll_records=2 * settings.batch_size,
        fetch_max_wait_ms=200,
    )
