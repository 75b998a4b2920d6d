"""The settings of the producer."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from producer.lag_watch import LONGEST_LOOK_S
from runtime.settings import KafkaSettings


class ProducerSettings(KafkaSettings):
    """How cameras are read, which of their frames are published, and how many may wait."""

    streams_file: Path = Field(
        Path("streams.yaml"), description="YAML file that lists the cameras; see the example."
    )
    camera_ca_file: Path | None = Field(
        None,
        description="PEM file of the authority that signed the certificates of rtsps cameras; "
        "without it, any certificate is taken.",
    )
    shard_index: int = Field(
        0, ge=0, le=999, description="Which share of the streams this producer reads, from 0 on."
    )
    shard_count: int = Field(
        1, ge=1, le=1000, description="Producers that divide the streams of the file among them."
    )
    jpeg_quality: int = Field(
        85, ge=1, le=100, description="JPEG quality, where a stream names none of its own."
    )
    connect_timeout_s: float = Field(
        5, ge=1, le=25, description="Seconds that a camera may take to answer."
    )
    stall_timeout_s: float = Field(
        4,
        ge=1,
        le=25,
        description="Seconds of silence until a camera counts as lost; noticed within twice that.",
    )
    reconnect_first_s: float = Field(
        1, ge=0.1, le=60, description="Longest first wait, in seconds, before a camera is retried."
    )
    reconnect_longest_s: float = Field(
        30, ge=0.1, le=3600, description="Bound, in seconds, that the growing waits stop at."
    )
    settled_after_s: float = Field(
        20,
        ge=0,
        le=3600,
        description="Seconds since a connection's first frame until the waits start anew.",
    )
    buffer_frames: int = Field(
        100, ge=1, le=10_000, description="Encoded frames of one stream that may wait for Kafka."
    )
    max_in_flight: int = Field(
        50, ge=1, le=10_000, description="Records of one stream sent and not yet acknowledged."
    )
    max_lag_s: float = Field(
        10,
        ge=2,
        le=86400,
        description="Seconds that the consumer may be behind until frames are dropped as overload.",
    )
    linger_ms: int = Field(
        100,
        ge=0,
        le=1000,
        description="Milliseconds that a record waits for others to share a send.",
    )
    max_clock_skew_s: float = Field(
        10,
        ge=0.1,
        le=3600,
        description="Seconds that a camera's clock may differ from ours and still be believed.",
    )
    frozen_after_s: float = Field(
        10, ge=1, le=3600, description="Seconds of one identical picture that make a frozen camera."
    )
    frozen_heartbeat_s: float = Field(
        5, ge=0.1, le=3600, description="Seconds between the frames published of a frozen camera."
    )

    @model_validator(mode="after")
    def _ca_file_of_cameras_is_there(self) -> Self:
        if self.camera_ca_file is not None and not self.camera_ca_file.is_file():
            raise ValueError(f"camera_ca_file {self.camera_ca_file}: no such file")
        return self

    @model_validator(mode="after")
    def _shard_is_one_of_them(self) -> Self:
        if self.shard_index >= self.shard_count:
            raise ValueError(
                f"shard_index {self.shard_index} is not below shard_count {self.shard_count}"
            )
        return self

    @model_validator(mode="after")
    def _waits_are_in_order(self) -> Self:
        if self.reconnect_first_s > self.reconnect_longest_s:
            raise ValueError(
                f"reconnect_first_s {self.reconnect_first_s:g} is above "
                f"reconnect_longest_s {self.reconnect_longest_s:g}"
            )
        cameras_s = 2 * max(self.connect_timeout_s, self.stall_timeout_s)
        longest_silence_s = max(cameras_s, LONGEST_LOOK_S)
        if self.stuck_after_s <= longest_silence_s:
            raise ValueError(
                f"stuck_after_s {self.stuck_after_s:g} must be above {longest_silence_s:g}, which "
                "a healthy thread may take: twice connect_timeout_s and stall_timeout_s, and "
                f"{LONGEST_LOOK_S:g} s for a look at a Kafka that stands still"
            )
        return self
