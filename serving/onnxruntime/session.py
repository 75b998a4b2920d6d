"""The edge to ONNX Runtime: make a session as configured, run it, tell its errors in our words."""

from pathlib import Path
from typing import Any

import onnxruntime as ort  # type: ignore[import-untyped]
from onnxruntime.capi import (  # type: ignore[import-untyped]
    onnxruntime_pybind11_state as ort_state,
)

from serving.onnxruntime.batching import RunFailed, Tensors
from serving.onnxruntime.model_config import CPU, OPENVINO, BadModel, ModelSettings, SessionSettings
from serving.onnxruntime.signature import ANY_SIZE, GraphTensor, check_signature

# ONNX Runtime's errors share no base class; RuntimeError and ValueError come from its bindings.
ORT_ERRORS: tuple[type[Exception], ...] = (
    ort_state.EPFail,
    ort_state.EngineError,
    ort_state.Fail,
    ort_state.InvalidArgument,
    ort_state.InvalidGraph,
    ort_state.InvalidProtobuf,
    ort_state.ModelLoaded,
    ort_state.NoModel,
    ort_state.NoSuchFile,
    ort_state.NotImplemented,
    ort_state.RuntimeException,
    RuntimeError,
    ValueError,
)
# config.pbtxt's optimization.graph.level, as the C++ backend reads it.
GRAPH_LEVELS = {
    -1: ort.GraphOptimizationLevel.ORT_ENABLE_BASIC,
    0: ort.GraphOptimizationLevel.ORT_ENABLE_ALL,
    1: ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    2: ort.GraphOptimizationLevel.ORT_DISABLE_ALL,
}


class Session:
    """One loaded model version whose tensors are those of its configuration."""

    def __init__(self, onnx_file: Path, settings: ModelSettings) -> None:
        """Load `onnx_file`. Raises BadModel if it is not what `settings` promise."""
        if not onnx_file.is_file():
            raise BadModel(f"{onnx_file} does not exist")
        self._session = _load(onnx_file, settings.session)
        check_signature(
            settings,
            [_graph_tensor(node) for node in self._session.get_inputs()],
            [_graph_tensor(node) for node in self._session.get_outputs()],
        )
        self._output_names = [spec.name for spec in settings.outputs]

    def run(self, tensors: Tensors) -> Tensors:
        """Return the configured outputs for these inputs. Raises RunFailed."""
        try:
            outputs = self._session.run(self._output_names, dict(tensors))
        except ORT_ERRORS as error:
            raise RunFailed(str(error)) from error
        return dict(zip(self._output_names, outputs, strict=True))


def _load(onnx_file: Path, settings: SessionSettings) -> Any:
    available = ort.get_available_providers()
    if settings.provider not in available:
        raise BadModel(f"{settings.provider} is configured, but only {available} are installed")
    providers: list[Any] = [(settings.provider, dict(settings.provider_options))]
    if settings.provider != CPU:
        # For the few nodes that the accelerator leaves; ONNX Runtime would add it in any case.
        providers.append(CPU)
    try:
        # With its default, a provider that fails is replaced by the CPU's with nothing but a print.
        session = ort.InferenceSession(
            onnx_file, _session_options(settings), providers=providers, enable_fallback=0
        )
    except ORT_ERRORS as error:
        raise BadModel(f"{onnx_file} cannot be loaded: {error}") from error
    if settings.provider not in session.get_providers():
        raise BadModel(f"{onnx_file}: {settings.provider} refused, got {session.get_providers()}")
    return session


def _session_options(settings: SessionSettings) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings.intra_op_threads
    options.inter_op_num_threads = settings.inter_op_threads
    options.enable_cpu_mem_arena = settings.has_memory_arena
    options.enable_mem_pattern = settings.has_memory_pattern
    if settings.is_parallel:
        options.execution_mode = ort.ExecutionMode.ORT_PARALLEL
    # OpenVINO optimises the graph itself and does not know what ONNX Runtime's fusions leave:
    # https://onnxruntime.ai/docs/execution-providers/OpenVINO-ExecutionProvider.html
    level = 2 if settings.provider == OPENVINO else settings.graph_level
    if level not in GRAPH_LEVELS:
        raise BadModel(f"optimization.graph.level is {level}, expected one of {[*GRAPH_LEVELS]}")
    options.graph_optimization_level = GRAPH_LEVELS[level]
    for key, value in settings.entries:
        options.add_session_config_entry(key, value)
    return options


def _graph_tensor(node: Any) -> GraphTensor:
    shape = tuple(size if isinstance(size, int) else ANY_SIZE for size in node.shape)
    return GraphTensor(node.name, node.type, shape)
