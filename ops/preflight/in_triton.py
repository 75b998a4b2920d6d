"""What is found at Triton: the model, its signature, and whether a whole batch comes through."""

import time
from contextlib import closing

import numpy as np

from consumer.preflight import of_model
from consumer.triton import InferenceRefused, ModelSignature, TritonModel
from ops.preflight.settings import PreflightSettings
from runtime.preflight.findings import Finding, Verdict, judged, refused
from runtime.preflight.units import duration

MODEL, BATCH = "model", "model batch"


def found_at_triton(settings: PreflightSettings) -> list[Finding]:
    """Ask for the model and send it one full batch of black images.

    Raises TransientError if Triton is away, ConfigurationError if it serves no such model.
    """
    address, name, version = settings.triton_address, settings.model_name, settings.model_version
    with closing(TritonModel(address, name, version, settings.infer_timeout_s)) as model:
        signature = model.signature()
        width, height = signature.input_wh
        said = (
            f"Triton at {address} serves {signature.name} version {signature.version}, "
            f"{width}x{height}, with the signature of an SSD"
        )
        found = [judged(MODEL, name, said, ""), *of_model(settings, signature)]
        if not refused(found):
            found.append(_sent(model, signature, settings))
    return found


def _sent(model: TritonModel, signature: ModelSignature, settings: PreflightSettings) -> Finding:
    """Judge a real request: a proxy between may take less than both ends do."""
    width, height = signature.input_wh
    images = np.zeros((settings.batch_size, height, width, 3), np.uint8)
    begun_s = time.perf_counter()
    try:
        model.infer(images)
    except InferenceRefused as error:
        return Finding(BATCH, signature.name, Verdict.REFUSED, str(error))
    taken_s = time.perf_counter() - begun_s
    return judged(
        BATCH,
        signature.name,
        f"a batch of {settings.batch_size} took {duration(taken_s)}, "
        f"FRAMERAIL_INFER_TIMEOUT_S is {duration(settings.infer_timeout_s)}",
        "raise it, or give the model more cores",
        warned=taken_s > settings.infer_timeout_s / 2,
        taken_s=round(taken_s, 3),
    )
