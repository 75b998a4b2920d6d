"""Inference that waits for a server that is away, and finds the one image a model cannot take."""

import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from consumer import metrics
from consumer.detections import Answer, FrameOutput, Refusal
from consumer.triton import InferenceRefused
from runtime.backoff import growing_waits
from runtime.errors import TransientError
from runtime.logs import Logger
from runtime.storms import StormFold

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 5.0
"""Between two requests for the same images."""
REFUSALS_BEFORE_SEARCH = 3


class Model(Protocol):
    """Detects objects in RGB images of shape (N, height, width, 3), uint8."""

    def infer(self, images: NDArray[np.uint8]) -> Answer[FrameOutput]:
        """Return the model and one output per image; raise TransientError or InferenceRefused."""


class BeatingModel:
    """A model whose every request is a sign of life of the thread that asks."""

    def __init__(self, model: Model, beat: Callable[[], None]) -> None:
        self._model = model
        self._beat = beat

    def infer(self, images: NDArray[np.uint8]) -> Answer[FrameOutput]:
        """Return and raise as the model does."""
        self._beat()
        return self._model.infer(images)


class Stop(Protocol):
    """Tells when waiting is to end."""

    def wait(self, timeout_s: float) -> bool:
        """Wait; return whether to stop."""


class PatientInference:
    """Calls the model until it answers, for ever, or until the stop signal."""

    def __init__(
        self, model: Model, stop: Stop, log: Logger, fold: StormFold, rng: random.Random
    ) -> None:
        self._model = model
        self._stop = stop
        self._log = log
        self._fold = fold
        self._rng = rng

    def __call__(self, images: NDArray[np.uint8]) -> Answer[FrameOutput | Refusal] | None:
        """Return, per image, its output or why the model refused it; None if told to stop."""
        waits_s = growing_waits(FIRST_WAIT_S, LONGEST_WAIT_S, self._rng)
        refusals = 0
        for attempts in count(1):
            try:
                return self._model.infer(images)
            except TransientError as error:
                reason = str(error)
            except InferenceRefused as error:
                reason, refusals = str(error), refusals + 1
            if refusals >= REFUSALS_BEFORE_SEARCH:
                answer = self._one_by_one(images, attempts)
                if answer is not None:
                    return answer
            if self._waited(reason, waits_s):
                break
        return None

    def _one_by_one(
        self, images: NDArray[np.uint8], attempts: int
    ) -> Answer[FrameOutput | Refusal] | None:
        """Blame single images, unless the model refuses a blank one too: then it is at fault.

        `attempts` is the number of requests that held all images.
        """
        found: list[FrameOutput | Refusal] = []
        try:
            blank = self._model.infer(np.zeros_like(images[:1]))
            for at in range(len(images)):
                try:
                    found += self._model.infer(images[at : at + 1]).images
                except InferenceRefused as error:
                    found.append(Refusal(str(error), attempts + 1))
        except (TransientError, InferenceRefused):
            return None
        return Answer(blank.model, found)

    def _waited(self, reason: str, waits_s: Iterator[float]) -> bool:
        wait_s = next(waits_s)
        metrics.INFER_RETRIES.inc()
        unsaid = self._fold.admit(reason)
        if unsaid is not None:
            self._log.warning(
                "infer.waiting", reason=reason, wait_s=round(wait_s, 2), unsaid=unsaid
            )
        return self._stop.wait(wait_s)
