"""Version 1 of the model: TensorFlow's frozen graph of the detector, rewritten as ONNX."""

from pathlib import Path

import numpy as np
import onnx
import tensorflow as tf  # type: ignore[import-untyped]
import tf2onnx  # type: ignore[import-not-found]
from numpy.typing import NDArray
from onnx import ModelProto

from modelling.detections import Detections
from modelling.graph import OPSET, Heads, Suppression, detector
from modelling.naming import with_stable_names

# The graph is cut behind its resize loop and before its suppression loop: both are TensorFlow
# while-loops over one picture at a time, which no other runtime runs well.
HEADS = Heads("Preprocessor/sub:0", "concat:0", "Postprocessor/convert_scores:0")
ANCHORS = "Concatenate/concat:0"

# iou and score stand in the original's `BatchMultiClassNonMaxSuppression/.../non_max_suppression`.
# It looks at all 1917 anchors until 100 are kept. On 8 frames of the clip the best 200 give
# the same 100 rows, the best 100 the same rows above confidence 0.05; 400 leave room for a crowd.
SUPPRESSION = Suppression(iou=0.6, score=1e-8, candidates=400)


def frozen_graph_def(frozen_graph: Path) -> tf.compat.v1.GraphDef:
    """The graph as TensorFlow's protocol buffer."""
    return tf.compat.v1.GraphDef.FromString(frozen_graph.read_bytes())


def export(frozen_graph: Path) -> ModelProto:
    """The detector with the signature of `modelling.graph.detector`, weights in float32."""
    graph_def = frozen_graph_def(frozen_graph)
    core, _ = tf2onnx.convert.from_graph_def(
        graph_def,
        input_names=[HEADS.pixels],
        output_names=[HEADS.encodings, HEADS.scores],
        opset=OPSET,
        shape_override={HEADS.pixels: [None, 300, 300, 3]},
    )
    return with_stable_names(detector(core, HEADS, _anchors(graph_def), SUPPRESSION))


def write_export(frozen_graph: Path, model: Path) -> None:
    """Export into a file."""
    model.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(export(frozen_graph), model)


def original_detections(frozen_graph: Path, images: NDArray[np.uint8]) -> list[Detections]:
    """What the graph as published finds in each picture, run by TensorFlow itself.

    images: uint8 [N,300,300,3] RGB.
    """
    names = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(frozen_graph_def(frozen_graph), name="")
        outputs = session.run([f"{name}:0" for name in names], {"image_tensor:0": images})
    return Detections.from_model(*outputs)


def _anchors(graph_def: tf.compat.v1.GraphDef) -> NDArray[np.float32]:
    """The 1917 anchors, float32 [1917,4]; the graph computes them from its layers' sizes."""
    blank = np.zeros((1, 300, 300, 3), np.uint8)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(graph_def, name="")
        return np.asarray(session.run(ANCHORS, {"image_tensor:0": blank}), np.float32)
