"""Small ONNX models and the configurations that serve them, made for the tests of `serving/`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

TABLE_SIZE = 1000
INDEX_CONFIG = 'input [ { name: "index" data_type: TYPE_INT32 dims: [2] } ]'
OPENVINO = """optimization { execution_accelerators { cpu_execution_accelerator : [ {
  name: "openvino" parameters { key: "num_of_threads" value: "1" } } ] } }"""
VALUE_CONFIG = 'output [ { name: "value" data_type: TYPE_FP32 dims: [2] } ]'


def lookup_onnx(scale: int = 1) -> bytes:
    """Return a model that gives `scale` times its input, [N,2] int32, as [N,2] float32.

    It looks the values up in a table of TABLE_SIZE rows, so a larger one makes the run fail.
    """
    table = np.arange(TABLE_SIZE, dtype=np.float32) * scale
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "index"], ["value"])],
        "lookup",
        [helper.make_tensor_value_info("index", TensorProto.INT32, ["N", 2])],
        [helper.make_tensor_value_info("value", TensorProto.FLOAT, ["N", 2])],
        [numpy_helper.from_array(table, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_model(
    repository: Path,
    name: str,
    versions: Mapping[int, bytes],
    *,
    inputs: str = INDEX_CONFIG,
    outputs: str = VALUE_CONFIG,
    more: str = "",
) -> None:
    """Write a model of `versions` with batches up to 50 into the repository."""
    folder = repository / name
    for version, onnx_file in versions.items():
        (folder / str(version)).mkdir(parents=True)
        (folder / str(version) / "model.onnx").write_bytes(onnx_file)
    head = f'name: "{name}"\nbackend: "onnxruntime"\nmax_batch_size: 50\n'
    instances = "instance_group [ { count: 1 kind: KIND_CPU } ]"
    lines = (head, inputs, outputs, "version_policy: { all {} }", instances, more)
    (folder / "config.pbtxt").write_text("\n".join(lines))
