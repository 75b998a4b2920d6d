"""The folder that Triton reads for one model: `config.pbtxt`, `labels.txt`, a folder a version."""

from modelling.foreign import Answers

_OPENVINO = """
# OpenVINO optimises the graph itself and wants it as exported: level 2 switches ONNX Runtime's
# own rewriting off.
optimization {
  graph { level: 2 }
  execution_accelerators { cpu_execution_accelerator: [ { name: "openvino" } ] }
}
"""
_BATCHING = """
# Smaller requests wait 5 ms at most for each other; one of 25 waits for nobody.
dynamic_batching { preferred_batch_size: [ 25 ] max_queue_delay_microseconds: 5000 }
"""
MAX_BATCH = 50


def model_config(
    name: str,
    size_wh: tuple[int, int],
    answers: Answers,
    *,
    is_batched: bool,
    has_openvino: bool,
) -> str:
    """Return `config.pbtxt` for a model of `modelling.foreign`.

    A model that takes one picture at a time has `max_batch_size: 1`.
    """
    width, height = size_wh
    rows = -1 if answers.rows is None else answers.rows
    # Triton wants one dimension besides the batch: a graph that answers [N] is shown as [N,1].
    counts = "dims: [ 1 ] reshape: { shape: [ ] }" if answers.has_flat_counts else "dims: [ 1 ]"
    return f"""name: "{name}"
backend: "onnxruntime"
max_batch_size: {MAX_BATCH if is_batched else 1}
version_policy: {{ all {{}} }}

input [
  {{ name: "images" data_type: TYPE_UINT8 dims: [ {height}, {width}, 3 ] }}  # RGB
]
output [
  {{ name: "detection_boxes" data_type: TYPE_FP32 dims: [ {rows}, 4 ] }},
  {{ name: "detection_scores" data_type: TYPE_FP32 dims: [ {rows} ] }},
  {{
    name: "detection_classes" data_type: TYPE_FP32 dims: [ {rows} ]
    # Line n, counted from 0, names class n.
    label_filename: "labels.txt"
  }},
  {{ name: "num_detections" data_type: TYPE_FP32 {counts} }}
]

# On a machine of many cores raise `count` until count * intra_op_thread_count reaches their number.
instance_group [ {{ count: 1 kind: KIND_CPU }} ]
parameters {{ key: "intra_op_thread_count" value: {{ string_value: "2" }} }}
parameters {{ key: "inter_op_thread_count" value: {{ string_value: "1" }} }}
{_OPENVINO if has_openvino else ""}{_BATCHING if is_batched else ""}"""
