"""Read a model's Triton configuration into frozen values, as Triton's C++ onnxruntime backend does.

Keys, defaults and allowed values are those of that backend's README:
https://github.com/triton-inference-server/onnxruntime_backend
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_MODEL_FILENAME = "model.onnx"
OPENVINO = "OpenVINOExecutionProvider"
CPU = "CPUExecutionProvider"
# By itself OpenVINO binds its threads to cores, each process to the same first ones: two instances
# of one thread, which are two processes here, then share one core (137 frames/s instead of 264).
UNPINNED = '{"CPU": {"ENABLE_CPU_PINNING": "NO"}}'

# Triton's data types and the element types of ONNX Runtime that hold the same values.
ONNX_TYPES: Mapping[str, str] = {
    "TYPE_BOOL": "tensor(bool)",
    "TYPE_UINT8": "tensor(uint8)",
    "TYPE_UINT16": "tensor(uint16)",
    "TYPE_UINT32": "tensor(uint32)",
    "TYPE_UINT64": "tensor(uint64)",
    "TYPE_INT8": "tensor(int8)",
    "TYPE_INT16": "tensor(int16)",
    "TYPE_INT32": "tensor(int32)",
    "TYPE_INT64": "tensor(int64)",
    "TYPE_FP16": "tensor(float16)",
    "TYPE_FP32": "tensor(float)",
    "TYPE_FP64": "tensor(double)",
}


class BadModel(Exception):
    """The model cannot be served: its configuration or its ONNX file is wrong."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output as config.pbtxt promises it.

    `dims` are those of one item, without the batch, as the ONNX graph has them (after `reshape`);
    -1 stands for any size.
    """

    name: str
    data_type: str
    dims: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How the ONNX Runtime session is made. Zero threads means: as many as there are cores."""

    provider: str = CPU
    provider_options: tuple[tuple[str, str], ...] = ()
    intra_op_threads: int = 0
    inter_op_threads: int = 0
    is_parallel: bool = False
    has_memory_arena: bool = True
    has_memory_pattern: bool = True
    graph_level: int = 0
    entries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What config.pbtxt says about one model; `max_batch_size` 0 means no batch dimension."""

    name: str
    filename: str
    max_batch_size: int
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    session: SessionSettings


def parse_model_config(text: str) -> ModelSettings:
    """Parse the JSON that Triton hands over as `args["model_config"]`.

    Raises BadModel naming the key, what it says and what is allowed.
    """
    config: dict[str, Any] = json.loads(text)
    return ModelSettings(
        name=config["name"],
        filename=config.get("default_model_filename") or DEFAULT_MODEL_FILENAME,
        max_batch_size=int(config.get("max_batch_size", 0)),
        inputs=tuple(_tensor(entry) for entry in config.get("input", [])),
        outputs=tuple(_tensor(entry) for entry in config.get("output", [])),
        session=_session(config),
    )


def _tensor(entry: Mapping[str, Any]) -> TensorSpec:
    name, data_type = entry["name"], entry["data_type"]
    if data_type not in ONNX_TYPES:
        raise BadModel(
            f"tensor '{name}': data_type {data_type} is not supported, "
            f"expected one of {', '.join(ONNX_TYPES)}"
        )
    reshape = entry.get("reshape")
    dims = entry["dims"] if reshape is None else reshape.get("shape", [])
    return TensorSpec(name, data_type, tuple(int(dim) for dim in dims))


def _session(config: Mapping[str, Any]) -> SessionSettings:
    parameters = {
        key: str(value.get("string_value", ""))
        for key, value in config.get("parameters", {}).items()
    }
    optimization = config.get("optimization", {})
    threads = _integer(parameters, "intra_op_thread_count", 0)
    provider, options = _accelerator(optimization.get("execution_accelerators", {}), threads)
    return SessionSettings(
        provider=provider,
        provider_options=options,
        intra_op_threads=threads,
        inter_op_threads=_integer(parameters, "inter_op_thread_count", 0),
        is_parallel=_integer(parameters, "execution_mode", 0, allowed=(0, 1)) == 1,
        has_memory_arena=_integer(parameters, "enable_mem_arena", 1, allowed=(0, 1)) == 1,
        has_memory_pattern=_integer(parameters, "enable_mem_pattern", 1, allowed=(0, 1)) == 1,
        graph_level=int(optimization.get("graph", {}).get("level", 0)),
        entries=tuple(
            (key, value) for key, value in parameters.items() if key.startswith("session.")
        ),
    )


def _accelerator(
    accelerators: Mapping[str, Any], threads: int
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the execution provider and its options; accelerators of GPUs do not concern a CPU."""
    wanted = accelerators.get("cpu_execution_accelerator", [])
    if not wanted:
        return CPU, ()
    names = [accelerator["name"] for accelerator in wanted]
    if names != ["openvino"]:
        raise BadModel(
            f"cpu_execution_accelerator is {names}, but only one is known, named 'openvino'"
        )
    options = {"device_type": "CPU", **wanted[0].get("parameters", {})}
    if threads > 0:
        # OpenVINO has threads of its own and would take every core of the node, also in a container
        # with a CPU limit.
        options.setdefault("num_of_threads", threads)
    options.setdefault("load_config", UNPINNED)
    return OPENVINO, tuple((key, str(value)) for key, value in options.items())


def _integer(
    parameters: Mapping[str, str], key: str, default: int, allowed: tuple[int, ...] | None = None
) -> int:
    text = parameters.get(key)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        raise BadModel(f"parameter '{key}' is '{text}', expected a whole number") from None
    if value < 0 or (allowed is not None and value not in allowed):
        expected = "zero or more" if allowed is None else f"one of {allowed}"
        raise BadModel(f"parameter '{key}' is {value}, expected {expected}")
    return value
