"""`python -m consumer`: reads the settings, wires the parts and runs the loop."""

import random
import sys
import time

from consumer.kafka_sink import KafkaResults
from consumer.kafka_source import KafkaFrames
from consumer.labels import read_labels
from consumer.memory import keep_large_blocks
from consumer.patience import PatientInference
from consumer.service import ConsumerService
from consumer.settings import ConsumerSettings
from consumer.start import check, limits, model_of, result_rules
from consumer.worker import BatchWorker
from runtime.health import Heartbeat
from runtime.logs import Logger
from runtime.service import run_service
from runtime.stop import StopSignal
from runtime.storms import StormFold


def serve(settings: ConsumerSettings, stop: StopSignal, heartbeat: Heartbeat, log: Logger) -> None:
    """Wire the consumer and run it until the stop signal."""
    labels = read_labels(settings.labels_file)
    model = model_of(settings)
    signature = check(model, settings, stop, heartbeat, log)
    if signature is None:
        return
    keep_large_blocks()
    rng = random.Random()  # noqa: S311 - jitter
    infer = PatientInference(model, stop, log, StormFold(time.monotonic), rng)
    frames, results = KafkaFrames(settings), KafkaResults(settings)
    worker = BatchWorker(result_rules(settings, signature, labels), infer)
    try:
        ConsumerService(frames, results, worker, limits(settings), log).run(stop, heartbeat)
    finally:
        frames.close()
        results.close()
        model.close()


if __name__ == "__main__":
    sys.exit(run_service("consumer", ConsumerSettings, serve))
