"""The files that Triton serves and the clip of the demo: the very ones that were measured."""

from pathlib import Path

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
import pytest
from google.protobuf import text_format  # type: ignore[import-untyped]
from numpy.typing import NDArray
from tritonclient.grpc import model_config_pb2

from modelling import layout
from modelling.clip import frames_rgb, model_images
from modelling.detections import Detections
from modelling.onnx_detector import OnnxDetector
from modelling.sources import digest_of

FOLDER = layout.FP32_MODEL.parents[1]
VERSIONS = [layout.FP32_MODEL, layout.INT8_MODEL]
SIGNATURE = {
    "detection_boxes": [100, 4],
    "detection_scores": [100],
    "detection_classes": [100],
    "num_detections": [],
}

# The scene at 31 s: five people stand apart from each other; both versions find four at least.
FRAME, PEOPLE = 310, 4


@pytest.fixture(scope="module")
def images() -> NDArray[np.uint8]:
    return model_images(layout.CLIP, range(FRAME, FRAME + 35, 5))


@pytest.fixture(scope="module", params=VERSIONS, ids=["fp32", "int8"])
def detector(request: pytest.FixtureRequest) -> OnnxDetector:
    return OnnxDetector(request.param, "CPUExecutionProvider")


@pytest.mark.parametrize("line", layout.DIGESTS.read_text().splitlines())
def test_a_file_is_the_one_that_was_measured(line: str) -> None:
    digest, name = line.split("  ")
    assert digest_of(layout.ROOT / name) == digest


def test_the_clip_and_both_versions_have_a_digest() -> None:
    named = {line.split("  ")[1] for line in layout.DIGESTS.read_text().splitlines()}
    assert named == {str(file.relative_to(layout.ROOT)) for file in [layout.CLIP, *VERSIONS]}


def test_the_clip_is_768x576() -> None:
    (frame,) = frames_rgb(layout.CLIP, [0])
    assert frame.shape == (576, 768, 3)


@pytest.mark.parametrize("model", VERSIONS, ids=["fp32", "int8"])
def test_a_version_has_the_signature_of_the_object_detection_api(model: Path) -> None:
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    (images,) = session.get_inputs()
    assert (images.name, images.type, images.shape[1:]) == (
        "images",
        "tensor(uint8)",
        [300, 300, 3],
    )
    outputs = session.get_outputs()
    assert {output.name: output.shape[1:] for output in outputs} == SIGNATURE
    assert {output.type for output in outputs} == {"tensor(float)"}
    assert {tensor.shape[0] for tensor in [images, *outputs]} == {"N"}


def test_triton_is_told_the_signature_that_the_models_have() -> None:
    config = text_format.Parse(
        (FOLDER / "config.pbtxt").read_text(), model_config_pb2.ModelConfig()
    )
    as_the_model_has_it = {
        output.name: list(output.reshape.shape if output.HasField("reshape") else output.dims)
        for output in config.output
    }
    assert as_the_model_has_it == SIGNATURE
    assert [(tensor.name, list(tensor.dims)) for tensor in config.input] == [
        ("images", [300, 300, 3])
    ]
    assert config.name == FOLDER.name


def test_the_line_of_a_class_is_its_name() -> None:
    assert (FOLDER / "labels.txt").read_text().splitlines() == ["background", "person"]


def test_nothing_lies_in_the_repository_that_triton_does_not_read() -> None:
    files = {str(file.relative_to(FOLDER)) for file in FOLDER.rglob("*") if file.is_file()}
    assert files == {"config.pbtxt", "labels.txt", "1/model.onnx", "2/model.onnx"}


def test_a_picture_in_a_batch_gets_the_answer_it_gets_alone(
    detector: OnnxDetector, images: NDArray[np.uint8]
) -> None:
    together = detector.outputs(images)
    for index in range(len(images)):
        alone = detector.outputs(images[index : index + 1])
        for batched, single in zip(together, alone, strict=True):
            np.testing.assert_allclose(batched[index], single[0], atol=1e-4)


def test_people_are_found_and_have_the_shape_of_people(
    detector: OnnxDetector, images: NDArray[np.uint8]
) -> None:
    _assert_people(next(detector.detections(images[:1])))


@pytest.mark.parametrize("model", VERSIONS, ids=["fp32", "int8"])
def test_people_are_found_by_the_provider_that_serves(
    model: Path, images: NDArray[np.uint8]
) -> None:
    _assert_people(next(OnnxDetector(model).detections(images[:1])))


def _assert_people(found: Detections) -> None:
    people = found.above(0.4)
    assert len(people) >= PEOPLE
    assert set(people.class_id.tolist()) == {1}
    width, height = (people.boxes_xyxy[:, 2:] - people.boxes_xyxy[:, :2]).T * [[768], [576]]
    assert (height > width).all()
    assert ((people.boxes_xyxy >= 0) & (people.boxes_xyxy <= 1)).all()
