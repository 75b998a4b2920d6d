"""Gives a converted graph the same bytes at every conversion.

tf2onnx merges equal constants and equal nodes in the order of a Python set, so which of them
survives, under which name and at which place differs from run to run, though the graph computes
the same.
"""

from onnx import GraphProto, ModelProto, NodeProto, TensorProto

# Each comes from one layer of the original, so its name is stable, and worth keeping.
LAYERS = frozenset({"Conv", "Clip", "BatchNormalization"})


def with_stable_names(model: ModelProto) -> ModelProto:
    """The same graph: nodes in the order in which the outputs want them, numbered if no layers."""
    stable = ModelProto()
    stable.CopyFrom(model)
    nodes = _in_wanted_order(stable.graph)
    names = _stable_tensor_names(nodes, _outside(stable.graph))
    for number, node in enumerate(nodes):
        node.name = node.name if node.op_type in LAYERS else f"{node.op_type}_{number}"
        node.input[:] = [names.get(tensor, tensor) for tensor in node.input]
        node.output[:] = [names.get(tensor, tensor) for tensor in node.output]
    constants = [constant for constant in stable.graph.initializer if constant.name in names]
    for constant in constants:
        constant.name = names[constant.name]
    _replace(stable.graph, nodes, sorted(constants, key=_name_of))
    return stable


def _in_wanted_order(graph: GraphProto) -> list[NodeProto]:
    """Every node behind the outputs, each after the nodes it reads, depth first."""
    makers = {output: node for node in graph.node for output in node.output}
    ordered: dict[str, NodeProto] = {}
    waiting = [makers[output.name] for output in reversed(graph.output)]
    while waiting:
        node = waiting[-1]
        missing = [
            makers[tensor]
            for tensor in node.input
            if tensor in makers and makers[tensor].output[0] not in ordered
        ]
        if missing:
            waiting.extend(reversed(missing))
        else:
            ordered.setdefault(waiting.pop().output[0], node)
    return list(ordered.values())


def _name_of(constant: TensorProto) -> str:
    return constant.name


def _outside(graph: GraphProto) -> set[str]:
    return {tensor.name for tensor in [*graph.input, *graph.output]} | {""}


def _stable_tensor_names(nodes: list[NodeProto], outside: set[str]) -> dict[str, str]:
    """New names by old: a constant is called after its first reader, a result after its node."""
    names: dict[str, str] = {}
    for number, node in enumerate(nodes):
        stem = node.name if node.op_type in LAYERS else f"{node.op_type}_{number}"
        for place, tensor in enumerate(node.input):
            if tensor not in outside:
                names.setdefault(tensor, f"{stem}/in_{place}")
        for place, tensor in enumerate(node.output):
            if tensor not in outside:
                names[tensor] = f"{stem}/out_{place}"
    return names


def _replace(graph: GraphProto, nodes: list[NodeProto], constants: list[TensorProto]) -> None:
    """Put these in place of what the graph holds; they may be the graph's own."""
    kept = GraphProto(node=nodes, initializer=constants)
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.MergeFrom(kept)
