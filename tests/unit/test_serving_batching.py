from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.onnxruntime.batching import (
    NUMPY_TYPES,
    Answer,
    Refused,
    RunFailed,
    Tensors,
    answer_all,
    find_fault,
)
from serving.onnxruntime.model_config import (
    ONNX_TYPES,
    ModelSettings,
    SessionSettings,
    TensorSpec,
)

SETTINGS = ModelSettings(
    name="squares",
    filename="model.onnx",
    max_batch_size=50,
    inputs=(TensorSpec("value", "TYPE_INT32", (2,)),),
    outputs=(TensorSpec("square", "TYPE_INT32", (2,)),),
    session=SessionSettings(),
)
POISON = 13


class Squares:
    """A model whose run fails when any of its rows holds POISON; remembers its batch sizes."""

    def __init__(self) -> None:
        self.batch_sizes: list[int] = []
        self.last_fed: Tensors = {}

    def __call__(self, tensors: Tensors) -> Tensors:
        value = tensors["value"]
        self.last_fed = tensors
        self.batch_sizes.append(value.shape[0])
        if (value == POISON).any():
            raise RunFailed("13 brings bad luck")
        return {"square": np.square(value)}


def rows(*values: int) -> Tensors:
    return {"value": np.array([[value, -value] for value in values], np.int32)}


def squares(answer: Answer) -> list[int]:
    assert isinstance(answer, Mapping)
    return [int(row[0]) for row in answer["square"]]


def test_requests_share_one_run_and_get_their_own_rows() -> None:
    run = Squares()

    answers = answer_all([rows(1, 2), rows(3), rows(4, 5, 6)], SETTINGS, run)

    assert [squares(answer) for answer in answers] == [[1, 4], [9], [16, 25, 36]]
    assert run.batch_sizes == [6]


def test_one_request_alone_is_not_copied() -> None:
    run = Squares()
    request = rows(1, 2)

    answer_all([request], SETTINGS, run)

    assert run.last_fed["value"] is request["value"]


def test_a_request_that_breaks_the_run_fails_alone() -> None:
    run = Squares()

    good, bad, other = answer_all([rows(1), rows(POISON, 2), rows(3)], SETTINGS, run)

    assert (squares(good), squares(other)) == ([1], [9])
    assert bad == Refused("13 brings bad luck", is_invalid=False)
    assert run.batch_sizes == [4, 1, 2, 1]


def test_a_single_request_that_fails_is_not_tried_twice() -> None:
    run = Squares()

    assert answer_all([rows(POISON)], SETTINGS, run) == [
        Refused("13 brings bad luck", is_invalid=False)
    ]
    assert run.batch_sizes == [1]


def test_a_request_that_breaks_the_signature_never_reaches_the_run() -> None:
    run = Squares()
    wrong: Tensors = {"value": np.zeros((1, 2), np.float32)}

    answers = answer_all([wrong, rows(2)], SETTINGS, run)

    assert answers[0] == Refused("input 'value': expected TYPE_INT32, got float32", is_invalid=True)
    assert squares(answers[1]) == [4]
    assert run.batch_sizes == [1]


def test_requests_of_different_shapes_run_apart() -> None:
    run = Squares()
    settings = replace(SETTINGS, inputs=(TensorSpec("value", "TYPE_INT32", (-1,)),))
    wide: Tensors = {"value": np.full((1, 3), 5, np.int32)}

    answers = answer_all([rows(2), wide, rows(3)], settings, run)

    assert [squares(answer) for answer in answers] == [[4], [25], [9]]
    assert run.batch_sizes == [2, 1]


def test_a_model_without_batches_runs_each_request_as_it_is() -> None:
    run = Squares()
    settings = replace(
        SETTINGS, max_batch_size=0, inputs=(TensorSpec("value", "TYPE_INT32", (2,)),)
    )
    alone: Tensors = {"value": np.array([1, 2], np.int32)}

    answers = answer_all([alone, alone], settings, run)

    assert [isinstance(answer, Mapping) for answer in answers] == [True, True]
    assert run.batch_sizes == [2, 2]


def test_an_output_that_lost_rows_is_an_error_and_no_wrong_answer() -> None:
    def forgetful(tensors: Tensors) -> Tensors:
        return {"square": tensors["value"][:1]}

    (answer,) = answer_all([rows(1, 2)], SETTINGS, forgetful)

    assert answer == Refused("output 'square' has shape [1, 2] for a batch of 2", is_invalid=False)


@pytest.mark.parametrize(
    ("tensors", "fault"),
    [
        ({}, r"expected inputs ['value'], got []"),
        ({"x": np.zeros((1, 2), np.int32)}, "expected inputs ['value'], got ['x']"),
        (
            {"value": np.zeros((1, 3), np.int32)},
            "input 'value': expected shape ['N', 2], got [1, 3]",
        ),
        ({"value": np.zeros((), np.int32)}, "input 'value': expected shape ['N', 2], got []"),
        (
            {"value": np.zeros((51, 2), np.int32)},
            "input 'value': expected a batch of 1 to 50, got 51",
        ),
        (
            {"value": np.zeros((0, 2), np.int32)},
            "input 'value': expected a batch of 1 to 50, got 0",
        ),
    ],
)
def test_a_fault_says_what_was_expected_and_what_came(tensors: Tensors, fault: str) -> None:
    assert find_fault(tensors, SETTINGS) == fault


def test_inputs_of_one_request_must_agree_on_the_batch_size() -> None:
    two = replace(SETTINGS, inputs=(*SETTINGS.inputs, TensorSpec("scale", "TYPE_FP32", ())))
    tensors: Tensors = {**rows(1, 2), "scale": np.ones(3, np.float32)}

    assert find_fault(tensors, two) == "inputs have different batch sizes [2, 3]"


def test_every_supported_type_has_a_numpy_type() -> None:
    assert NUMPY_TYPES.keys() == ONNX_TYPES.keys()


@given(st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=8), max_size=6))
def test_merging_changes_no_answer(batches: list[list[int]]) -> None:
    requests = [rows(*batch) for batch in batches]

    merged = answer_all(requests, SETTINGS, Squares())

    for batch, answer in zip(batches, merged, strict=True):
        if POISON in batch:
            assert answer == Refused("13 brings bad luck", is_invalid=False)
        else:
            assert squares(answer) == [value * value for value in batch]
