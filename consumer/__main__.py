"""`python -m consumer`: reads the settings, wires the parts and runs the loop."""

import random
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from consumer.batches import Batch
from consumer.kafka_sink import KafkaResults
from consumer.kafka_source import KafkaFrames
from consumer.labels import read_labels
from consumer.memory import keep_large_blocks
from consumer.patience import BeatingModel, PatientInference
from consumer.service import ConsumerService
from consumer.settings import ConsumerSettings
from consumer.start import check, limits, model_of, result_rules
from consumer.tracing import TracedModel, TracedWorker
from consumer.triton import TritonModel
from consumer.worker import BatchOutcome, BatchWorker, ResultRules
from runtime.health import Heartbeat
from runtime.logs import Logger
from runtime.service import run_service
from runtime.stop import StopSignal
from runtime.storms import StormFold
from runtime.tracing import tracing

if TYPE_CHECKING:
    from runtime.otel import Tracer


def serve(settings: ConsumerSettings, stop: StopSignal, heartbeat: Heartbeat, log: Logger) -> None:
    """Wire the consumer and run it until the stop signal."""
    labels = read_labels(settings.labels_file)
    model = model_of(settings)
    signature = check(model, settings, stop, heartbeat, log)
    if signature is None:
        return
    keep_large_blocks()
    rules = result_rules(settings, signature, labels)
    with tracing(settings, "consumer", stop) as tracer:
        work = worker(model, rules, settings, stop, heartbeat, log, tracer)
        frames, results = KafkaFrames(settings), KafkaResults(settings)
        try:
            ConsumerService(frames, results, work, limits(settings), log).run(stop, heartbeat)
        finally:
            frames.close()
            results.close()
            model.close()


def worker(
    model: TritonModel,
    rules: ResultRules,
    settings: ConsumerSettings,
    stop: StopSignal,
    heartbeat: Heartbeat,
    log: Logger,
    tracer: "Tracer | None",
) -> Callable[[Batch], BatchOutcome | None]:
    """Return what works on batches: it waits for the model, and tells of it where that is on."""
    told = model if tracer is None else TracedModel(model, settings)
    asked = BeatingModel(told, heartbeat.beat)
    rng = random.Random()  # noqa: S311 - jitter
    infer = PatientInference(asked, stop, log, StormFold(time.monotonic), rng)
    work = BatchWorker(rules, infer)
    return heartbeat.watching(
        work if tracer is None else TracedWorker(work, tracer, settings.consumer_group)
    )


if __name__ == "__main__":
    sys.exit(run_service("consumer", ConsumerSettings, serve))
