"""Inference with the live consumer's patience, but not for ever: somebody waits for a replay."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from consumer.detections import Answer, FrameOutput, Refusal
from consumer.patience import Model, Stop
from consumer.worker import Inference
from runtime.deadline import Deadline
from runtime.errors import FramerailError
from runtime.stop import StopSignal


class BoundedInference:
    """Asks `model` for one batch until `new_deadline` is over, then ends the whole replay.

    `patient` makes the live consumer's way of asking out of a model and of what ends its waits. It
    has given up where `gave_up` says why.
    """

    def __init__(
        self,
        model: Model,
        patient: Callable[[Model, Stop], Inference],
        stop: StopSignal,
        new_deadline: Callable[[], Deadline],
    ) -> None:
        self.gave_up: str | None = None
        self._model = model
        self._patient = patient
        self._stop = stop
        self._new_deadline = new_deadline
        self._trouble = "no answer"

    def __call__(self, images: NDArray[np.uint8]) -> Answer[FrameOutput | Refusal] | None:
        """Return, per image, its output or why the model refused it; None if it is to end."""
        waited = self._new_deadline()
        answer = self._patient(self, _EndOfPatience(self._stop, waited))(images)
        if answer is None and not self._stop.is_set:
            self.gave_up = f"no answer within {waited.limit_s:g} s: {self._trouble}"
            self._stop.set()
        return answer

    def infer(self, images: NDArray[np.uint8]) -> Answer[FrameOutput]:
        """Ask once, and keep in mind what went wrong."""
        try:
            return self._model.infer(images)
        except FramerailError as error:
            self._trouble = str(error)
            raise


class _EndOfPatience:
    def __init__(self, stop: StopSignal, waited: Deadline) -> None:
        self._stop = stop
        self._waited = waited

    def wait(self, timeout_s: float) -> bool:
        return self._stop.wait(timeout_s) or self._waited.is_over
