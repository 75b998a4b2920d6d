"""Surrounds a detector's two heads with pixels in and boxes out, all in plain ONNX operators."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

MAX_DETECTIONS = 100

# The opset that tf2onnx 1.16.1 is tested with and its IR version, read by ONNX Runtime from 1.12.
OPSET = 17
IR_VERSION = 8


@dataclass(frozen=True)
class Heads:
    """Names inside the graph: the normalised pixels it wants, and the two tensors it answers."""

    pixels: str
    """float32 [N,300,300,3] RGB in -1..1."""
    encodings: str
    """float32 [N,anchors,1,4]: ty, tx, th, tw relative to the anchors."""
    scores: str
    """float32 [N,anchors,classes]: 0..1, class 0 is the background."""


@dataclass(frozen=True)
class Suppression:
    """Non-maximum suppression as the graph that was trained does it, and how far down it looks."""

    iou: float
    score: float
    candidates: int
    """Anchors of the highest score that are decoded; the others are never looked at."""


class GraphBuilder:
    """Appends nodes and constants to a list, naming each, so that a formula reads in one line."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, value: NDArray[np.generic] | Sequence[int] | float) -> str:
        """A new initializer: a list of integers is int64, a float is a float32 scalar."""
        array = np.asarray(value, dtype=np.float32) if isinstance(value, float) else value
        name = f"{self._prefix}/constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, op_type: str, *inputs: str, **attributes: Any) -> str:
        """A new node of one output; returns the output's name."""
        return self.add_many(op_type, inputs, 1, **attributes)[0]

    def add_many(
        self, op_type: str, inputs: Sequence[str], output_count: int, **attributes: Any
    ) -> list[str]:
        """A new node of several outputs; returns their names in order."""
        name = f"{self._prefix}/{op_type}_{len(self.nodes)}"
        outputs = [f"{name}:{index}" for index in range(output_count)]
        self.nodes.append(helper.make_node(op_type, inputs, outputs, name=name, **attributes))
        return outputs

    def name_as(self, tensor: str, wanted: str) -> None:
        """Give a tensor a name from outside."""
        self.nodes.append(helper.make_node("Identity", [tensor], [wanted], name=f"{wanted}/name"))


def detector(
    core: ModelProto, heads: Heads, anchors: NDArray[np.float32], suppression: Suppression
) -> ModelProto:
    """A model with the signature of TensorFlow's Object Detection API around a core with two heads.

    anchors: float32 [anchors,4] as ymin, xmin, ymax, xmax in parts of the picture.
    In: `images` uint8 [N,300,300,3] RGB. Out, all float32: `detection_boxes` [N,100,4] as ymin,
    xmin, ymax, xmax in 0..1; `detection_scores` [N,100], falling; `detection_classes` [N,100], 1 is
    the first class; `num_detections` [N]. Rows past `num_detections` are zeros.
    """
    before, after = GraphBuilder("pixels"), GraphBuilder("detections")
    _normalise(before, "images", heads.pixels)
    _answer(after, heads, anchors, suppression)
    graph = helper.make_graph(
        [*before.nodes, *core.graph.node, *after.nodes],
        "ssd_mobilenet",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", 300, 300, 3])],
        _signature(),
        [*before.constants, *core.graph.initializer, *after.constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model


def _signature() -> list[ValueInfoProto]:
    shapes: dict[str, list[str | int]] = {
        "detection_boxes": ["N", MAX_DETECTIONS, 4],
        "detection_scores": ["N", MAX_DETECTIONS],
        "detection_classes": ["N", MAX_DETECTIONS],
        "num_detections": ["N"],
    }
    return [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]


def _normalise(graph: GraphBuilder, images: str, pixels: str) -> None:
    """0..255 to -1..1, as MobileNet was trained (`Preprocessor/mul` and `/sub` of the original)."""
    values = graph.add("Cast", images, to=TensorProto.FLOAT)
    scaled = graph.add("Mul", values, graph.constant(2.0 / 255.0))
    graph.name_as(graph.add("Sub", scaled, graph.constant(1.0)), pixels)


def _answer(
    graph: GraphBuilder, heads: Heads, anchors: NDArray[np.float32], suppression: Suppression
) -> None:
    """Decode the best candidates, drop the overlapping ones, and write the rows that are left."""
    person = graph.add("Gather", heads.scores, graph.constant(np.array(1)), axis=2)
    wanted = graph.constant([suppression.candidates])
    scores, order = graph.add_many("TopK", [person, wanted], 2, axis=1)
    boxes = _decode(graph, heads.encodings, anchors, order)
    kept = _suppress(graph, boxes, scores, suppression)
    clipped = graph.add("Clip", boxes, graph.constant(0.0), graph.constant(1.0))
    _write_rows(graph, clipped, graph.add("Mul", kept, _has_area(graph, clipped)))


def _decode(graph: GraphBuilder, encodings: str, anchors: NDArray[np.float32], order: str) -> str:
    """Boxes [N,candidates,4] of the chosen anchors, by Faster R-CNN's box coder.

    Source: `FasterRcnnBoxCoder` of TensorFlow's Object Detection API, scale factors 10, 10, 5, 5:
    centre = t / 10 * anchor size + anchor centre, size = exp(t / 5) * anchor size.
    """
    sizes = anchors[:, 2:] - anchors[:, :2]
    centres = anchors[:, :2] + sizes / 2
    flat = graph.add("Squeeze", encodings, graph.constant([2]))
    rows = graph.add("Unsqueeze", order, graph.constant([2]))
    chosen = graph.add("GatherND", flat, rows, batch_dims=1)
    shift, growth = graph.add_many("Split", [chosen], 2, axis=2)
    size = graph.add("Gather", graph.constant(sizes), order, axis=0)
    centre = graph.add("Gather", graph.constant(centres), order, axis=0)
    moved = graph.add("Mul", graph.add("Mul", shift, graph.constant(0.1)), size)
    middle = graph.add("Add", moved, centre)
    scale = graph.add("Exp", graph.add("Mul", growth, graph.constant(0.2)))
    half = graph.add("Mul", graph.add("Mul", scale, size), graph.constant(0.5))
    corners = graph.add("Sub", middle, half), graph.add("Add", middle, half)
    return graph.add("Concat", *corners, axis=2)


def _suppress(graph: GraphBuilder, boxes: str, scores: str, suppression: Suppression) -> str:
    """The scores [N,candidates], zero wherever a better box already covers the place.

    The operator answers one row a survivor of the whole batch, in an order that runtimes may
    choose; written back to their places, neither their number nor their order matters.
    """
    limits = [
        graph.constant([MAX_DETECTIONS]),
        graph.constant(suppression.iou),
        graph.constant(suppression.score),
    ]
    by_class = graph.add("Unsqueeze", scores, graph.constant([1]))
    survivors = graph.add("NonMaxSuppression", boxes, by_class, *limits)
    places = graph.add("Gather", survivors, graph.constant([0, 2]), axis=1)
    zeros = graph.add("Mul", scores, graph.constant(0.0))
    return graph.add("ScatterND", zeros, places, graph.add("GatherND", scores, places))


def _has_area(graph: GraphBuilder, boxes: str) -> str:
    """1 or 0 for each box, float32 [N,candidates]: what lies outside the picture does not count."""
    first, last = graph.add_many("Split", [boxes], 2, axis=2)
    extent = graph.add("Sub", last, first)
    area = graph.add("ReduceProd", extent, axes=[2], keepdims=0)
    return graph.add("Cast", graph.add("Greater", area, graph.constant(0.0)), to=TensorProto.FLOAT)


def _write_rows(graph: GraphBuilder, boxes: str, scores: str) -> None:
    """The four outputs: the best rows by score, zeros after the last one that counts."""
    top, order = graph.add_many("TopK", [scores, graph.constant([MAX_DETECTIONS])], 2, axis=1)
    counts = graph.add("Greater", top, graph.constant(0.0))
    person = graph.add("Cast", counts, to=TensorProto.FLOAT)
    last_axis = graph.constant([2])
    chosen = graph.add("GatherND", boxes, graph.add("Unsqueeze", order, last_axis), batch_dims=1)
    shown = graph.add("Mul", chosen, graph.add("Unsqueeze", person, last_axis))
    graph.name_as(shown, "detection_boxes")
    graph.name_as(top, "detection_scores")
    graph.name_as(person, "detection_classes")
    graph.name_as(graph.add("ReduceSum", person, graph.constant([1]), keepdims=0), "num_detections")
