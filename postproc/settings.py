"""The settings of the post-processor. Keys to S3 are not among them: boto3 finds those itself."""

from pydantic import Field

from contracts.frames import MAX_FRAME_PX
from runtime.settings import KafkaSettings


class PostprocSettings(KafkaSettings):
    """Where results come from, where pictures go, and how many are under way at once.

    Credentials come from boto3's own chain: variables, a shared file or profile, or the role of the
    instance or pod (boto3 guide, "Credentials"). They are never settings of ours.
    """

    s3_bucket: str = Field(
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="Bucket that takes the annotated pictures, under `evidence/`.",
    )
    s3_endpoint_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/@]+/?$",
        description="Address of an S3 server, as http://host:port; AWS when it is not set.",
    )
    s3_region: str | None = Field(
        None, description="Region of the bucket; when it is not set, boto3's own chain finds it."
    )
    s3_create_bucket: bool = Field(
        False, description="Whether the bucket is made at the start where it is missing."
    )
    s3_start_timeout_s: float = Field(
        30, ge=1, le=600, description="Seconds that a start waits for S3 before it gives up."
    )
    postproc_group: str = Field(
        "postproc",
        min_length=1,
        max_length=249,
        description="Consumer group; its committed offsets say what is stored.",
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
