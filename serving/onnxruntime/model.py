"""Triton's `onnxruntime` backend for CPUs: what tritonserver calls in a stub process.

Serves the model repositories of Triton's C++ backend of that name unchanged.
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/backend/docs/python_based_backends.html
"""

from pathlib import Path
from typing import Any

import triton_python_backend_utils as pb_utils  # type: ignore[import-not-found]

from serving.onnxruntime.batching import Answer, Refused, Tensors, answer_all
from serving.onnxruntime.guard_report import report_end, report_up
from serving.onnxruntime.model_config import ModelSettings, parse_model_config
from serving.onnxruntime.session import Session


class TritonPythonModel:
    """One instance of one model version."""

    _settings: ModelSettings
    _session: Session

    def initialize(self, args: dict[str, str]) -> None:
        """Load the version's ONNX file; an exception makes Triton refuse the model."""
        self._settings = parse_model_config(args["model_config"])
        version = Path(args["model_repository"]) / args["model_version"]
        self._session = Session(version / self._settings.filename, self._settings)
        session = self._settings.session
        pb_utils.Logger.log_info(
            f"{args['model_instance_name']} version {args['model_version']}: "
            f"{session.provider} {dict(session.provider_options)}, "
            f"intra-op threads {session.intra_op_threads or 'as cores'}"
        )
        # Not before: a model that cannot be loaded is Triton's to report.
        report_up()

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer the requests that Triton merged, one response each, in order."""
        inputs = [_tensors(request) for request in requests]
        return [
            _response(answer) for answer in answer_all(inputs, self._settings, self._session.run)
        ]

    def finalize(self) -> None:
        """Give the session's memory back."""
        report_end()
        del self._session


def _tensors(request: Any) -> Tensors:
    """Return the request's inputs by name: views of Triton's shared memory, valid until it ends."""
    return {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}


def _response(answer: Answer) -> Any:
    if isinstance(answer, Refused):
        code = (
            pb_utils.TritonError.INVALID_ARG if answer.is_invalid else pb_utils.TritonError.INTERNAL
        )
        return pb_utils.InferenceResponse(error=pb_utils.TritonError(answer.message, code))
    outputs = [pb_utils.Tensor(name, rows) for name, rows in answer.items()]
    return pb_utils.InferenceResponse(outputs)
