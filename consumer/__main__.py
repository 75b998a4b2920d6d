"""`python -m consumer`: reads the settings, wires the parts and runs the loop."""

import random
import sys
import time

from consumer.kafka_sink import KafkaResults
from consumer.kafka_source import KafkaFrames
from consumer.labels import read_labels
from consumer.patience import PatientInference
from consumer.service import ConsumerService, Limits
from consumer.settings import ConsumerSettings, ModelSettings
from consumer.triton import ModelSignature, TritonModel
from consumer.worker import BatchWorker, ResultRules
from contracts.results import Model
from runtime.backoff import growing_waits
from runtime.errors import ConfigurationError, DependencyError, TransientError
from runtime.health import Heartbeat
from runtime.logs import Logger
from runtime.service import run_service
from runtime.stop import StopSignal
from runtime.storms import StormFold
from runtime.topics import deadletter_spec, ensure_topics, results_spec


def serve(settings: ConsumerSettings, stop: StopSignal, heartbeat: Heartbeat, log: Logger) -> None:
    """Wire the consumer and run it until the stop signal."""
    labels = read_labels(settings.labels_file)
    ensure_topics(settings, [results_spec(settings), deadletter_spec(settings)])
    model = TritonModel(
        settings.triton_address,
        settings.model_name,
        settings.model_version,
        settings.infer_timeout_s,
    )
    signature = await_model(model, settings, stop, heartbeat)
    if signature is None:
        return
    check_batch_size(signature, settings.batch_size)
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


def await_model(
    model: TritonModel, settings: ModelSettings, stop: StopSignal, heartbeat: Heartbeat
) -> ModelSignature | None:
    """Return the signature, or None at a stop; raise DependencyError if Triton stays away."""
    deadline_s = time.monotonic() + settings.triton_start_timeout_s
    for wait_s in growing_waits(0.1, 2.0, random.Random()):  # noqa: S311 - jitter, not a secret
        heartbeat.beat()
        try:
            return model.signature()
        except TransientError as error:
            if time.monotonic() > deadline_s:
                raise DependencyError(
                    f"no answer within {settings.triton_start_timeout_s:g} s: {error}; check "
                    "FRAMERAIL_TRITON_ADDRESS and that the server runs"
                ) from error
        if stop.wait(wait_s):
            break
    return None


def check_batch_size(signature: ModelSignature, batch_size: int) -> None:
    """Raise ConfigurationError if the model does not take a full batch."""
    if batch_size > signature.max_batch_size:
        raise ConfigurationError(
            f"model {signature.name} takes at most {signature.max_batch_size} images at once, but "
            f"FRAMERAIL_BATCH_SIZE is {batch_size}; lower it, or raise max_batch_size in the "
            "model's config.pbtxt"
        )


def result_rules(
    settings: ConsumerSettings, signature: ModelSignature, labels: list[str]
) -> ResultRules:
    """Return how answers become results."""
    return ResultRules(
        model=Model(signature.name, signature.version),
        input_wh=signature.input_wh,
        labels=labels,
        min_confidence=settings.min_confidence,
        evidence=settings.evidence,
        max_result_bytes=settings.max_result_bytes,
    )


def limits(settings: ConsumerSettings) -> Limits:
    """Return what bounds the loop."""
    return Limits(
        settings.batch_size,
        settings.max_batch_age_s,
        settings.max_batches_in_flight,
        settings.stop_timeout_s,
    )


if __name__ == "__main__":
    sys.exit(run_service("consumer", ConsumerSettings, serve))
