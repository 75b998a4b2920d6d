"""What the consumer is told."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from consumer.patience import LONGEST_WAIT_S
from runtime.settings import KafkaSettings, ServiceSettings

FRAME_RESULT_BYTES = 24 * 1024
"""What one frame may take in a result: the 100 detections of an SSD, 150 to 200 bytes each."""


class ModelSettings(ServiceSettings):
    """Which model is asked, and where it is served."""

    triton_address: str = Field(
        "127.0.0.1:9000",
        pattern=r"^[^\s/]+:\d+$",
        description="Triton's gRPC endpoint, as host:port.",
    )
    triton_start_timeout_s: float = Field(
        60,
        ge=1,
        le=3600,
        description="Seconds that a start waits for the model before it gives up.",
    )
    infer_timeout_s: float = Field(
        20, ge=0.1, le=600, description="Seconds that one request may take before it is sent again."
    )
    model_name: str = Field("ssd_mobilenet", min_length=1, description="Name of the model.")
    model_version: str = Field(
        "2", pattern=r"^\d*$", description="Version of the model; empty lets Triton choose."
    )
    labels_file: Path = Field(
        Path("model_repository/ssd_mobilenet/labels.txt"),
        description="Names of the classes: line N, counted from 0, names class id N.",
    )
    min_confidence: float = Field(
        0.4, ge=0, le=1, description="Detections below this confidence are not written."
    )


class ConsumerSettings(ModelSettings, KafkaSettings):
    """How frames are gathered, and which of them become evidence."""

    batch_size: int = Field(25, ge=1, le=256, description="Frames in a full batch.")
    max_batch_age_s: float = Field(
        5.0,
        gt=0,
        le=600,
        description="Seconds after which a batch that no frame completes is inferred as it is.",
    )
    max_batches_in_flight: int = Field(
        3,
        ge=1,
        le=64,
        description="Batches closed and not yet safe in `results`; fetching pauses at so many.",
    )
    evidence: str = Field(
        "best",
        pattern=r"^(best|first|all|spread:[1-9]\d{0,2})$",
        description="Frames of a batch to annotate: best, first, all, or spread:N (evenly).",
    )
    topic_discovery_s: float = Field(
        10, ge=1, le=600, description="Seconds between looks for topics of new streams."
    )

    @model_validator(mode="after")
    def _a_request_is_not_stuck(self) -> Self:
        longest_s = self.infer_timeout_s + LONGEST_WAIT_S
        if self.stuck_after_s <= longest_s:
            raise ValueError(
                f"stuck_after_s {self.stuck_after_s:g} must be above {longest_s:g}: "
                f"infer_timeout_s and the {LONGEST_WAIT_S:g} s until the request is sent again"
            )
        return self

    @model_validator(mode="after")
    def _results_fit(self) -> Self:
        least_bytes = self.batch_size * FRAME_RESULT_BYTES
        if self.max_result_bytes < least_bytes:
            raise ValueError(
                f"max_result_bytes {self.max_result_bytes} is below {least_bytes}, which "
                f"batch_size {self.batch_size} may take without any evidence"
            )
        return self
