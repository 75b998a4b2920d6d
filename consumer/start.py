"""What a consumer does before its loop, and a replay too: the model found, the rules made."""

from consumer.preflight import of_model, prepared
from consumer.service import Limits
from consumer.settings import ConsumerSettings, ModelSettings
from consumer.triton import ModelSignature, TritonModel
from consumer.worker import ResultRules
from contracts.results import Model
from runtime.health import Heartbeat
from runtime.logs import Logger
from runtime.preflight.findings import asked, pass_or_refuse, refused
from runtime.starting import await_answer
from runtime.stop import StopSignal


def model_of(settings: ModelSettings) -> TritonModel:
    """Return the model that the settings name; nothing is sent yet."""
    return TritonModel(
        settings.triton_address,
        settings.model_name,
        settings.model_version,
        settings.infer_timeout_s,
    )


def check(
    model: TritonModel,
    settings: ConsumerSettings,
    stop: StopSignal,
    heartbeat: Heartbeat,
    log: Logger,
) -> ModelSignature | None:
    """Make what topics are missing, wait for the model, and check all that concerns this service.

    Returns the model's signature, None at a stop. Raises ConfigurationError with every refused
    finding, DependencyError if a system stays away.
    """
    found = prepared(settings)
    patience_s = 0.0 if refused(found) else settings.triton_start_timeout_s
    signature = asked(
        "model",
        settings.model_name,
        lambda: await_model(model, settings, stop, heartbeat, patience_s),
        found,
    )
    pass_or_refuse([*found, *(of_model(settings, signature) if signature else [])], log)
    return signature


def await_model(
    model: TritonModel,
    settings: ModelSettings,
    stop: StopSignal,
    heartbeat: Heartbeat,
    patience_s: float | None = None,
) -> ModelSignature | None:
    """Return the signature, or None at a stop; raise DependencyError if Triton stays away.

    It may stay away for `patience_s` seconds, `triton_start_timeout_s` where that is None.
    """
    limit_s = settings.triton_start_timeout_s if patience_s is None else patience_s
    return await_answer(model.signature, "FRAMERAIL_TRITON_ADDRESS", limit_s, stop, heartbeat)


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
