"""Version 2 of the model: the convolutions of version 1 in int8, everything else as it was."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import (  # type: ignore[import-untyped]
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)

# The first depthwise layer sees each colour filter's own range through one common scale. Left in
# float it costs up to 1 CPU-ms a frame and lifts recall at confidence 0.3 from 0.96 to 0.98 and the
# mean overlap from 0.96 to 0.97 against version 1.
FLOAT_LAYERS = ("FeatureExtractor/MobilenetV2/expanded_conv/depthwise/depthwise",)


class CalibrationImages(CalibrationDataReader):  # type: ignore[misc]  # the base is untyped
    """Hands the calibrator one picture at a time, uint8 [1,300,300,3] RGB."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        """Take uint8 images [N,300,300,3]."""
        self._batches: Iterator[NDArray[np.uint8]] = iter(images[:, None])

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next input of the model by name, None at the end."""
        image = next(self._batches, None)
        return None if image is None else {"images": image}


def write_quantised(fp32_model: Path, int8_model: Path, images: NDArray[np.uint8]) -> None:
    """Quantise, with the activations' ranges (least and greatest value) seen in these images.

    Weights: int8, symmetric, one scale a channel. Activations: uint8, one scale a tensor. Only the
    inputs of convolutions are quantised: their results stay float until the next one reads them, so
    residual sums, the heads, decoding and suppression lose nothing, and OpenVINO still fuses them.
    """
    int8_model.parent.mkdir(parents=True, exist_ok=True)
    quantize_static(
        fp32_model,
        int8_model,
        CalibrationImages(images),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv"],
        nodes_to_exclude=list(FLOAT_LAYERS),
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod.MinMax,
        extra_options={"OpTypesToExcludeOutputQuantization": ["Conv"]},
    )
