"""A model of another kind under the same name is refused before it is sent a frame."""

from dataclasses import dataclass, field

import pytest

from consumer.triton import checked_signature
from runtime.errors import ConfigurationError


@dataclass(frozen=True)
class Tensor:
    name: str
    datatype: str
    shape: tuple[int, ...]


def outputs(**changes: Tensor | None) -> list[Tensor]:
    honest: dict[str, Tensor | None] = {
        "detection_boxes": Tensor("detection_boxes", "FP32", (-1, 100, 4)),
        "detection_scores": Tensor("detection_scores", "FP32", (-1, 100)),
        "detection_classes": Tensor("detection_classes", "FP32", (-1, 100)),
        "num_detections": Tensor("num_detections", "FP32", (-1, 1)),
    }
    return [tensor for tensor in (honest | changes).values() if tensor is not None]


@dataclass(frozen=True)
class Metadata:
    inputs: list[Tensor] = field(
        default_factory=lambda: [Tensor("images", "UINT8", (-1, 240, 320, 3))]
    )
    outputs: list[Tensor] = field(default_factory=outputs)


def test_the_signature_of_the_object_detection_api_is_taken() -> None:
    assert checked_signature("ssd", Metadata()) == (320, 240)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (Metadata(inputs=[]), "its input is"),
        (Metadata(inputs=[Tensor("images", "FP32", (-1, 300, 300, 3))]), "FP32"),
        (Metadata(inputs=[Tensor("images", "UINT8", (-1, 3, 300, 300))]), "expected images UINT8"),
        (Metadata(inputs=[Tensor("images", "UINT8", (-1, -1, -1, 3))]), "no fixed height"),
        (Metadata(inputs=[*Metadata().inputs, Tensor("x", "UINT8", (1,))]), "expected images"),
        (Metadata(outputs=outputs(num_detections=None)), "num_detections is not FP32"),
        (
            Metadata(outputs=outputs(detection_scores=Tensor("detection_scores", "INT64", (1, 1)))),
            "detection_scores is not FP32",
        ),
        (
            Metadata(outputs=outputs(detection_boxes=Tensor("detection_boxes", "FP32", (-1, 4)))),
            "detection_boxes is not FP32 with 3 axes",
        ),
    ],
)
def test_any_other_signature_is_told_and_refused(metadata: Metadata, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        checked_signature("ssd", metadata)
