from dataclasses import replace

import pytest

from serving.onnxruntime.model_config import BadModel, ModelSettings, SessionSettings, TensorSpec
from serving.onnxruntime.signature import GraphTensor, check_signature

SETTINGS = ModelSettings(
    name="ssd",
    filename="model.onnx",
    max_batch_size=50,
    inputs=(TensorSpec("images", "TYPE_UINT8", (300, 300, 3)),),
    outputs=(
        TensorSpec("detection_boxes", "TYPE_FP32", (100, 4)),
        TensorSpec("num_detections", "TYPE_FP32", ()),
    ),
    session=SessionSettings(),
)
IMAGES = GraphTensor("images", "tensor(uint8)", (-1, 300, 300, 3))
BOXES = GraphTensor("detection_boxes", "tensor(float)", (-1, 100, 4))
COUNT = GraphTensor("num_detections", "tensor(float)", (-1,))
SCORES = GraphTensor("detection_scores", "tensor(float)", (-1, 100))


def test_a_graph_that_keeps_every_promise_passes() -> None:
    check_signature(SETTINGS, [IMAGES], [BOXES, COUNT])


def test_outputs_that_nobody_configured_may_be_there() -> None:
    check_signature(SETTINGS, [IMAGES], [BOXES, COUNT, SCORES])


def test_an_input_whose_size_the_graph_leaves_open_takes_any_configured_size() -> None:
    check_signature(SETTINGS, [replace(IMAGES, shape=(-1, -1, -1, 3))], [BOXES, COUNT])


@pytest.mark.parametrize(
    ("inputs", "outputs", "complaint"),
    [
        ([replace(IMAGES, name="x")], [BOXES, COUNT], r"input 'images'.*the ONNX file has \['x'\]"),
        ([IMAGES], [COUNT], r"output 'detection_boxes'.*the ONNX file has \['num_detections'\]"),
        (
            [replace(IMAGES, onnx_type="tensor(float)")],
            [BOXES, COUNT],
            r"'images'.*expects TYPE_UINT8 \(tensor\(uint8\)\), the ONNX file has tensor\(float\)",
        ),
        (
            [replace(IMAGES, shape=(-1, 3, 300, 300))],
            [BOXES, COUNT],
            r"'images'.*expects shape \[-1, 300, 300, 3\] \(batch first\).*\[-1, 3, 300, 300\]",
        ),
        (
            [IMAGES],
            [replace(BOXES, shape=(-1, -1, 4)), COUNT],
            r"'detection_boxes'.*\[-1, 100, 4\].*\[-1, -1, 4\]",
        ),
        (
            [replace(IMAGES, shape=(1, 300, 300, 3))],
            [BOXES, COUNT],
            r"'images'.*\[-1, 300, 300, 3\] \(batch first\), the ONNX file has \[1, 300, 300, 3\]",
        ),
        (
            [IMAGES],
            [BOXES, replace(COUNT, shape=(-1, 1))],
            r"'num_detections'.*expects shape \[-1\] \(batch first\).*\[-1, 1\]",
        ),
        (
            [IMAGES, replace(IMAGES, name="anchors")],
            [BOXES, COUNT],
            r"input \['anchors'\].*missing",
        ),
    ],
    ids=[
        "input name",
        "output name",
        "type",
        "order of dims",
        "output size left open",
        "fixed batch",
        "rank",
        "input that nobody feeds",
    ],
)
def test_the_wrong_tensor_is_named_with_what_was_expected_and_found(
    inputs: list[GraphTensor], outputs: list[GraphTensor], complaint: str
) -> None:
    with pytest.raises(BadModel, match=complaint):
        check_signature(SETTINGS, inputs, outputs)


def test_a_configuration_without_outputs_is_refused() -> None:
    with pytest.raises(BadModel, match="names no output"):
        check_signature(replace(SETTINGS, outputs=()), [IMAGES], [BOXES])


def test_without_batching_a_scalar_of_the_graph_is_configured_as_one_element() -> None:
    scalar = replace(
        SETTINGS, max_batch_size=0, inputs=(), outputs=(TensorSpec("loss", "TYPE_FP32", (1,)),)
    )
    check_signature(scalar, [], [GraphTensor("loss", "tensor(float)", ())])
