"""Compare the tensors that config.pbtxt promises with those of the ONNX file. Pure.

The rules are those of Triton's C++ backend (ModelInstanceState::ValidateInputs, ValidateOutputs
and CompareDimsSupported), so that a repository which loads here loads in NVIDIA's image too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.onnxruntime.model_config import ONNX_TYPES, BadModel, ModelSettings, TensorSpec

ANY_SIZE = -1


@dataclass(frozen=True, slots=True)
class GraphTensor:
    """One input or output of the ONNX graph; in `shape`, -1 stands for a size that is not fixed."""

    name: str
    onnx_type: str
    shape: tuple[int, ...]


def check_signature(
    settings: ModelSettings, inputs: Sequence[GraphTensor], outputs: Sequence[GraphTensor]
) -> None:
    """Pass if the graph keeps every promise of the configuration.

    Every input of the graph must be configured; outputs may be left out. Raises BadModel that
    names the first wrong tensor, what config.pbtxt expects and what the ONNX file has.
    """
    is_batched = settings.max_batch_size > 0
    for promised in settings.inputs:
        _check(promised, _find("input", promised.name, inputs), is_batched, is_exact=False)
    for promised in settings.outputs:
        _check(promised, _find("output", promised.name, outputs), is_batched, is_exact=True)
    unfed = {tensor.name for tensor in inputs} - {tensor.name for tensor in settings.inputs}
    if unfed:
        raise BadModel(f"input {sorted(unfed)} of the ONNX file is missing in config.pbtxt")
    if not settings.outputs:
        raise BadModel("config.pbtxt names no output")


def _find(kind: str, name: str, tensors: Sequence[GraphTensor]) -> GraphTensor:
    for tensor in tensors:
        if tensor.name == name:
            return tensor
    found = [tensor.name for tensor in tensors]
    raise BadModel(f"{kind} '{name}': expected by config.pbtxt, but the ONNX file has {found}")


def _check(promised: TensorSpec, found: GraphTensor, is_batched: bool, *, is_exact: bool) -> None:
    expected_type = ONNX_TYPES[promised.data_type]
    if found.onnx_type != expected_type:
        raise BadModel(
            f"tensor '{promised.name}': config.pbtxt expects {promised.data_type} "
            f"({expected_type}), the ONNX file has {found.onnx_type}"
        )
    dims = (ANY_SIZE, *promised.dims) if is_batched else promised.dims
    if not _is_same_shape(dims, found.shape, is_batched, is_exact):
        raise BadModel(
            f"tensor '{promised.name}': config.pbtxt expects shape {list(dims)}"
            f"{' (batch first)' if is_batched else ''}, the ONNX file has {list(found.shape)}"
        )


def _is_same_shape(
    dims: tuple[int, ...], shape: tuple[int, ...], is_batched: bool, is_exact: bool
) -> bool:
    if is_batched and (not shape or shape[0] != ANY_SIZE):
        return False
    if not shape:
        # A graph's scalar has no dims; config.pbtxt, which must have one, says [1].
        return all(dim == 1 for dim in dims)
    if len(dims) != len(shape):
        return False
    return all(
        size == dim or (size == ANY_SIZE and not is_exact)
        for dim, size in zip(dims, shape, strict=True)
    )
