"""What the post-processor is told."""

from typing import Self

from pydantic import Field, model_validator

from contracts.frames import MAX_FRAME_PX
from runtime.s3 import check_patience
from runtime.settings import KafkaSettings, S3Settings


class PostprocSettings(S3Settings, KafkaSettings):
    """Where results come from, where pictures go, and how many are under way at once."""

    s3_create_bucket: bool = Field(
        False, description="Whether the bucket is made at the start where it is missing."
    )
    s3_start_timeout_s: float = Field(
        30, ge=1, le=600, description="Seconds that a start waits for S3 before it gives up."
    )
    upload_threads: int = Field(
        4, ge=1, le=64, description="Results that are drawn and stored at once."
    )
    evidence_jpeg_quality: int = Field(
        90, ge=50, le=100, description="Quality of the stored pictures, on libjpeg's scale."
    )
    max_evidence_px: int = Field(
        16 * 1024 * 1024,
        ge=320 * 240,
        le=MAX_FRAME_PX,
        description="Pixels above which a picture is drawn scaled down; each upload thread may "
        "hold 10 bytes for every one.",
    )

    @model_validator(mode="after")
    def _a_slow_upload_is_no_stuck_thread(self) -> Self:
        check_patience(self.stuck_after_s)
        return self
