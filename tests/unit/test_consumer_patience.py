import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from consumer.detections import Answer, FrameOutput, Refusal
from consumer.patience import REFUSALS_BEFORE_SEARCH, PatientInference
from consumer.triton import InferenceRefused
from contracts.results import Model
from runtime.errors import TransientError
from runtime.logs import get_logger
from runtime.storms import StormFold
from tests.unit.consumer_fakes import output

POISON = 200
MODEL = Model("ssd", "7")


class FakeStop:
    def __init__(self, stops_after: int = 1000) -> None:
        self.waits_s: list[float] = []
        self._stops_after = stops_after

    def wait(self, timeout_s: float) -> bool:
        self.waits_s.append(timeout_s)
        return len(self.waits_s) >= self._stops_after


class FakeModel:
    def __init__(self, fails: Callable[[NDArray[np.uint8]], Exception | None]) -> None:
        self._fails = fails

    def infer(self, images: NDArray[np.uint8]) -> Answer[FrameOutput]:
        error = self._fails(images)
        if error is not None:
            raise error
        return Answer(MODEL, [output(rows=int(image[0, 0, 0])) for image in images])


def _patient(model: FakeModel, stop: FakeStop) -> PatientInference:
    return PatientInference(model, stop, get_logger(), StormFold(lambda: 0.0), random.Random(1))


def _images(*values: int) -> NDArray[np.uint8]:
    return np.array(values, np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)


def test_a_server_that_is_away_is_waited_for_with_growing_waits() -> None:
    failures = iter([TransientError("away")] * 8 + [None] * 10)
    stop = FakeStop()
    answer = _patient(FakeModel(lambda _: next(failures)), stop)(_images(1, 2))
    assert answer is not None
    assert [len(a.scores) for a in answer.images if isinstance(a, FrameOutput)] == [1, 2]
    assert len(stop.waits_s) == 8
    assert stop.waits_s[0] < 0.21
    assert 2.5 <= stop.waits_s[-1] <= 5


def test_a_stop_ends_the_wait() -> None:
    stop = FakeStop(stops_after=3)
    assert _patient(FakeModel(lambda _: TransientError("away")), stop)(_images(1)) is None


def test_the_one_image_that_a_model_cannot_take_is_found() -> None:
    def fails(images: NDArray[np.uint8]) -> Exception | None:
        return InferenceRefused("cannot") if (images == POISON).any() else None

    answer = _patient(FakeModel(fails), FakeStop())(_images(1, POISON, 3))
    assert answer is not None
    assert answer.model == MODEL
    good, refused, another = answer.images
    assert isinstance(good, FrameOutput)
    assert isinstance(another, FrameOutput)
    assert refused == Refusal("cannot", attempts=REFUSALS_BEFORE_SEARCH + 1)


def test_a_model_that_refuses_a_blank_image_too_is_waited_for() -> None:
    refusals = iter([InferenceRefused("broken")] * 9 + [None] * 10)
    stop = FakeStop()
    answer = _patient(FakeModel(lambda _: next(refusals)), stop)(_images(1, 2))
    assert answer is not None
    assert not any(isinstance(found, Refusal) for found in answer.images)
