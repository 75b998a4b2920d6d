"""Runs one version of the model as the server does, without a server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]
from numpy.typing import NDArray

from modelling.detections import Detections

Provider = Literal["OpenVINOExecutionProvider", "CPUExecutionProvider"]
PROVIDERS: tuple[Provider, ...] = get_args(Provider)

BATCH = 25


class OnnxDetector:
    """A model file open in ONNX Runtime."""

    def __init__(
        self, model: Path, provider: Provider = "OpenVINOExecutionProvider", threads: int = 2
    ) -> None:
        """Open the model; the provider must be in the build of ONNX Runtime at hand."""
        options = ort.SessionOptions()
        provider_options: dict[str, str] = {}
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        if provider == "OpenVINOExecutionProvider":
            # Nodes fused by ONNX Runtime are no longer ONNX, and OpenVINO leaves them out.
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
            provider_options = {"device_type": "CPU", "num_of_threads": str(threads)}
        self._session = ort.InferenceSession(
            model, options, providers=[(provider, provider_options)]
        )

    def outputs(self, images: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """The four tensors of the signature for uint8 images [N,300,300,3] RGB, N as it comes."""
        return [np.asarray(output) for output in self._session.run(None, {"images": images})]

    def detections(self, images: NDArray[np.uint8]) -> Iterator[Detections]:
        """What is in each picture, asked in batches of 25."""
        for start in range(0, len(images), BATCH):
            boxes, scores, classes, counts = self.outputs(images[start : start + BATCH])
            yield from Detections.from_model(boxes, scores, classes, counts)
