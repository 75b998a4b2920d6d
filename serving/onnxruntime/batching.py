"""Merge the requests of one call into few runs of the model, and split the results. Pure.

Triton hands over every request that its dynamic batcher gathered. The rule kept here: a request
gets exactly the rows that it would have got alone, or an error of its own.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from serving.onnxruntime.model_config import ModelSettings, TensorSpec

Tensor = NDArray[np.generic]
Tensors = Mapping[str, Tensor]
Run = Callable[[Tensors], Tensors]

NUMPY_TYPES: Mapping[str, str] = {
    "TYPE_BOOL": "bool",
    "TYPE_FP16": "float16",
    "TYPE_FP32": "float32",
    "TYPE_FP64": "float64",
} | {
    f"TYPE_{kind}{bits}": f"{kind.lower()}{bits}"
    for kind in ("INT", "UINT")
    for bits in (8, 16, 32, 64)
}


class RunFailed(Exception):
    """The model's run ended with an error; the message is the runtime's."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why one request got no result: its own fault (`is_invalid`) or the model's."""

    message: str
    is_invalid: bool


Answer = Tensors | Refused


@dataclass(slots=True)
class _Merge:
    """Requests with the same shapes, so that one run can serve them all."""

    positions: list[int] = field(default_factory=list)
    feeds: list[Tensors] = field(default_factory=list)


def answer_all(requests: Sequence[Tensors], settings: ModelSettings, run: Run) -> list[Answer]:
    """Return the answer of each request, in order.

    A request that breaks the signature is refused before the run. If a merged run raises
    RunFailed, each of its requests is run again alone, so only the one that caused it fails.
    """
    answers: dict[int, Answer] = {}
    merges: dict[tuple[object, ...], _Merge] = {}
    for position, tensors in enumerate(requests):
        complaint = find_fault(tensors, settings)
        if complaint is not None:
            answers[position] = Refused(complaint, is_invalid=True)
            continue
        merge = merges.setdefault(_merge_key(position, tensors, settings), _Merge())
        merge.positions.append(position)
        merge.feeds.append(tensors)
    for merge in merges.values():
        answers.update(zip(merge.positions, _answer_merge(merge.feeds, settings, run), strict=True))
    return [answers[position] for position in range(len(requests))]


def find_fault(tensors: Tensors, settings: ModelSettings) -> str | None:
    """Return why these inputs break the signature (names the tensor), or None."""
    expected = {spec.name for spec in settings.inputs}
    if tensors.keys() != expected:
        return f"expected inputs {sorted(expected)}, got {sorted(tensors)}"
    for spec in settings.inputs:
        fault = _tensor_fault(spec, tensors[spec.name], settings.max_batch_size)
        if fault is not None:
            return f"input '{spec.name}': {fault}"
    sizes = {tensors[spec.name].shape[:1] for spec in settings.inputs}
    if settings.max_batch_size > 0 and len(sizes) > 1:
        return f"inputs have different batch sizes {sorted(size[0] for size in sizes)}"
    return None


def _tensor_fault(spec: TensorSpec, tensor: Tensor, max_batch_size: int) -> str | None:
    if tensor.dtype != np.dtype(NUMPY_TYPES[spec.data_type]):
        return f"expected {spec.data_type}, got {tensor.dtype}"
    is_batched = max_batch_size > 0
    item_shape = tensor.shape[1:] if is_batched else tensor.shape
    fits = len(item_shape) == len(spec.dims) and all(
        dim in (-1, size) for dim, size in zip(spec.dims, item_shape, strict=True)
    )
    if not fits or (is_batched and tensor.ndim == 0):
        batch = ["N"] if is_batched else []
        return f"expected shape {[*batch, *spec.dims]}, got {list(tensor.shape)}"
    if is_batched and not 1 <= tensor.shape[0] <= max_batch_size:
        return f"expected a batch of 1 to {max_batch_size}, got {tensor.shape[0]}"
    return None


def _merge_key(position: int, tensors: Tensors, settings: ModelSettings) -> tuple[object, ...]:
    if settings.max_batch_size == 0:
        return (position,)
    return tuple(tensors[spec.name].shape[1:] for spec in settings.inputs)


def _answer_merge(feeds: Sequence[Tensors], settings: ModelSettings, run: Run) -> list[Answer]:
    try:
        return [*_run_merged(feeds, settings, run)]
    except RunFailed as error:
        if len(feeds) == 1:
            return [Refused(str(error), is_invalid=False)]
    return [answer for feed in feeds for answer in _answer_merge([feed], settings, run)]


def _run_merged(feeds: Sequence[Tensors], settings: ModelSettings, run: Run) -> list[Tensors]:
    """Run once and cut the outputs into the rows of each request; one request is not copied."""
    if settings.max_batch_size == 0:
        return [run(feeds[0])]
    first, *others = (spec.name for spec in settings.inputs)
    row_counts = [feed[first].shape[0] for feed in feeds]
    if len(feeds) == 1:
        merged = feeds[0]
    else:
        merged = {name: np.concatenate([f[name] for f in feeds]) for name in (first, *others)}
    outputs = run(merged)
    _check_rows(outputs, sum(row_counts))
    edges = np.cumsum([0, *row_counts])
    return [
        {name: output[start:stop] for name, output in outputs.items()}
        for start, stop in itertools.pairwise(edges)
    ]


def _check_rows(outputs: Tensors, row_count: int) -> None:
    for name, output in outputs.items():
        if output.ndim == 0 or output.shape[0] != row_count:
            raise RunFailed(
                f"output '{name}' has shape {list(output.shape)} for a batch of {row_count}"
            )
