"""Gives a detector as others export it the names and shapes that framerail asks for. Pure.

The signature is that of TensorFlow's Object Detection API; exporters add to its names (`:0`), call
the image what they like and leave sizes open.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

IMAGE = "images"
OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
"""In the order of `Detections.from_model`; the first three have one row a box."""
_AXES = {
    "detection_boxes": (3,),
    "detection_scores": (2,),
    "detection_classes": (2,),
    "num_detections": (1, 2),
}


class NotADetector(Exception):
    """The model has another signature; the message says what was expected and what it has."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the outputs look like: boxes a picture (None: not always as many), counts of one axis.

    `has_flat_counts` is True for num_detections [N], False for [N,1].
    """

    rows: int | None
    has_flat_counts: bool


def with_our_names(
    model: ModelProto, size_wh: tuple[int, int], renamed: Mapping[str, str] | None = None
) -> ModelProto:
    """Return the detector with input `images`, uint8 [N,height,width,3], and our four outputs.

    `renamed` names the model's own tensor for an output of ours, where it is called neither so nor
    so with ":0" behind. Other outputs are left out. Raises NotADetector.
    """
    adopted = ModelProto()
    adopted.CopyFrom(model)
    graph = adopted.graph
    image = _image_input(graph)
    outputs = {name: _output(graph, name, (renamed or {}).get(name)) for name in OUTPUTS}
    _join(graph, IMAGE, image.name, at_start=True)
    for name, output in outputs.items():
        _join(graph, output.name, name, at_start=False)
    width, height = size_wh
    shape: list[int | str] = ["N", height, width, 3]
    constants = {constant.name for constant in graph.initializer}
    kept = [tensor for tensor in graph.input if tensor.name in constants]
    wanted = helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, shape)
    _replace(graph.input, [wanted, *kept])
    _replace(graph.output, [_open_output(name, output) for name, output in outputs.items()])
    return adopted


def with_declared_rows(model: ModelProto, answers: Answers) -> ModelProto:
    """Return the model, of `with_our_names`, with the shapes that its answers were seen to have."""
    declared = ModelProto()
    declared.CopyFrom(model)
    rows: int | str = "rows" if answers.rows is None else answers.rows
    shapes: dict[str, list[int | str]] = {
        "detection_boxes": ["N", rows, 4],
        "detection_scores": ["N", rows],
        "detection_classes": ["N", rows],
        "num_detections": ["N"] if answers.has_flat_counts else ["N", 1],
    }
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    _replace(declared.graph.output, outputs)
    return declared


def _image_input(graph: GraphProto) -> ValueInfoProto:
    constants = {constant.name for constant in graph.initializer}
    inputs: list[ValueInfoProto]
    inputs = [tensor for tensor in graph.input if tensor.name not in constants]
    if len(inputs) == 1 and _type(inputs[0]) == TensorProto.UINT8 and _rank(inputs[0]) in (0, 4):
        return inputs[0]
    raise NotADetector(
        f"expected one input, UINT8 [N, height, width, 3]; the model has {_shown(inputs)}"
    )


def _output(graph: GraphProto, name: str, own_name: str | None) -> ValueInfoProto:
    names = (name, f"{name}:0") if own_name is None else (own_name,)
    tensor: ValueInfoProto
    for tensor in graph.output:
        if tensor.name not in names:
            continue
        if _type(tensor) == TensorProto.FLOAT and _rank(tensor) in (0, *_AXES[name]):
            return tensor
        axes = _AXES[name][0]
        raise NotADetector(f"expected {name} FLOAT with {axes} axes; it is {_shown([tensor])}")
    raise NotADetector(f"no output {' or '.join(names)}; the model has {_shown(graph.output)}")


def _join(graph: GraphProto, before: str, behind: str, *, at_start: bool) -> None:
    """Let `before` be read under the name `behind` too; nothing where they are one."""
    if before == behind:
        return
    new = before if at_start else behind
    taken = {tensor for node in graph.node for tensor in [*node.input, *node.output]}
    if new in taken | {constant.name for constant in graph.initializer}:
        raise NotADetector(f"the graph has an inner tensor {new} already: rename that first")
    node = helper.make_node("Identity", [before], [behind], name=f"{new}/name")
    graph.node.insert(0 if at_start else len(graph.node), node)


def _open_output(name: str, output: ValueInfoProto) -> ValueInfoProto:
    renamed = ValueInfoProto()
    renamed.CopyFrom(output)
    renamed.name = name
    return renamed


def _replace(tensors: "Sequence[ValueInfoProto]", wanted: Sequence[ValueInfoProto]) -> None:
    kept = [*wanted]
    del tensors[:]  # type: ignore[attr-defined]  # a protobuf container, which is more than that
    tensors.extend(kept)  # type: ignore[attr-defined]


def _type(tensor: ValueInfoProto) -> int:
    return int(tensor.type.tensor_type.elem_type)


def _rank(tensor: ValueInfoProto) -> int:
    """Return the number of axes, 0 where the model does not say."""
    return len(tensor.type.tensor_type.shape.dim)


def _shown(tensors: Sequence[ValueInfoProto]) -> str:
    def shape(tensor: ValueInfoProto) -> str:
        dims = tensor.type.tensor_type.shape.dim
        return ", ".join(dim.dim_param or str(dim.dim_value or "?") for dim in dims)

    named = (f"{t.name} {TensorProto.DataType.Name(_type(t))} [{shape(t)}]" for t in tensors)
    return ", ".join(named) or "none"
