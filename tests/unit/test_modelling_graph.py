"""The part of the model that turns two heads into boxes, around a core whose answers are known."""

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

from modelling.detections import Detections
from modelling.graph import Heads, Suppression, detector
from modelling.naming import with_stable_names

ANCHORS = 128
HEADS = Heads("pixels", "encodings", "scores")


def core(encodings: NDArray[np.float32], scores: NDArray[np.float32]) -> ModelProto:
    """A network that answers the same for every picture, whatever is on it."""
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMin", ["pixels"], ["least"], axes=[1, 2, 3]),
            helper.make_node("Mul", ["least", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "fixed_encodings"], ["encodings"]),
            helper.make_node("Squeeze", ["nothing", "last_axis"], ["little"]),
            helper.make_node("Add", ["little", "fixed_scores"], ["scores"]),
        ],
        "core",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", 300, 300, 3])],
        [],
        [
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
            numpy_helper.from_array(np.array([3]), "last_axis"),
            numpy_helper.from_array(encodings[None, :, None], "fixed_encodings"),
            numpy_helper.from_array(scores[None], "fixed_scores"),
        ],
    )
    return helper.make_model(graph)


def model_of(boxes_yxyx: list[tuple[float, ...]], confidences: list[float]) -> ModelProto:
    """Anchors at the given places, not moved by the network, and empty ones in the corner."""
    anchors = np.zeros((ANCHORS, 4), np.float32)
    anchors[: len(boxes_yxyx)] = boxes_yxyx
    scores = np.zeros((ANCHORS, 2), np.float32)
    scores[: len(confidences), 1] = confidences
    encodings = np.zeros((ANCHORS, 4), np.float32)
    limits = Suppression(iou=0.6, score=1e-8, candidates=ANCHORS)
    return detector(core(encodings, scores), HEADS, anchors, limits)


def ask(model: ModelProto, pictures: int = 1) -> list[NDArray[np.float32]]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images = np.zeros((pictures, 300, 300, 3), np.uint8)
    return [np.asarray(output) for output in session.run(None, {"images": images})]


def found(model: ModelProto) -> Detections:
    return Detections.from_model(*ask(model))[0]


def test_a_box_that_is_covered_by_a_better_one_is_dropped() -> None:
    model = model_of([(0.1, 0.1, 0.5, 0.5), (0.1, 0.1, 0.5, 0.48)], [0.6, 0.8])
    assert found(model).confidence.tolist() == [pytest.approx(0.8)]


def test_neighbours_that_overlap_little_stay_in_order_of_confidence() -> None:
    model = model_of([(0.1, 0.1, 0.5, 0.3), (0.1, 0.25, 0.5, 0.45)], [0.6, 0.8])
    assert found(model).confidence.tolist() == pytest.approx([0.8, 0.6])


def test_a_box_over_the_edge_is_cut_and_one_beyond_it_is_no_detection() -> None:
    model = model_of([(-0.2, 0.5, 0.3, 1.2), (1.1, 0.1, 1.4, 0.3)], [0.6, 0.8])
    assert found(model).boxes_xyxy.tolist() == [pytest.approx([0.5, 0.0, 1.0, 0.3])]


def test_rows_past_the_last_detection_are_zeros_and_not_counted() -> None:
    boxes, scores, classes, counts = ask(model_of([(0.1, 0.1, 0.5, 0.5)], [0.6]))
    assert counts.tolist() == [1.0]
    assert not boxes[0, 1:].any()
    assert not scores[0, 1:].any()
    assert classes[0].tolist() == [1.0] + [0.0] * 99


def test_the_box_coder_moves_by_tenths_and_grows_by_fifths_of_an_exponent() -> None:
    anchors = np.zeros((ANCHORS, 4), np.float32)
    anchors[0] = (0.2, 0.2, 0.4, 0.6)  # centre 0.3, 0.4; size 0.2, 0.4
    encodings = np.zeros((ANCHORS, 4), np.float32)
    encodings[0] = (5.0, -2.5, 5 * np.log(2), 0.0)  # half a height down, a quarter width left
    scores = np.zeros((ANCHORS, 2), np.float32)
    scores[0, 1] = 0.9
    limits = Suppression(iou=0.6, score=1e-8, candidates=ANCHORS)
    model = detector(core(encodings, scores), HEADS, anchors, limits)
    assert found(model).boxes_xyxy[0] == pytest.approx([0.1, 0.2, 0.5, 0.6], abs=1e-6)


def test_every_picture_of_a_batch_gets_its_own_rows() -> None:
    shapes = [output.shape for output in ask(model_of([(0.1, 0.1, 0.5, 0.5)], [0.6]), pictures=3)]
    assert shapes == [(3, 100, 4), (3, 100), (3, 100), (3,)]


def test_names_that_a_converter_chose_anew_do_not_reach_the_file() -> None:
    model = model_of([(0.1, 0.1, 0.5, 0.5)], [0.6])
    renamed = ModelProto.FromString(
        model.SerializeToString().replace(b"nothing", b"Nothing").replace(b"little", b"Little")
    )
    stable = with_stable_names(model)
    assert stable.SerializeToString() == with_stable_names(renamed).SerializeToString()
    assert found(stable).confidence.tolist() == found(model).confidence.tolist()
