"""Settings from `FRAMERAIL_*` variables or secret files, checked whole before anything starts."""

import os
from pathlib import Path
from typing import Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.errors import ConfigurationError

ENV_PREFIX = "FRAMERAIL_"
SECRETS_DIR_VARIABLE = "FRAMERAIL_SECRETS_DIR"
"""A folder with a file a secret (`framerail_kafka_password`), as Kubernetes mounts them."""

MIB = 1024 * 1024

S = TypeVar("S", bound="ServiceSettings")


class ServiceSettings(BaseSettings):
    """What every service is told: how to log, where its health is served, how long it may stop."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore")

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lines below this level are not written."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="`auto` writes for a person on a terminal and JSON elsewhere."
    )
    http_host: str = Field("127.0.0.1", description="Address of /metrics, /healthz and /readyz.")
    http_port: int = Field(
        0, ge=0, le=65535, description="Port of /metrics, /healthz and /readyz; 0 takes a free one."
    )
    stuck_after_s: float = Field(
        60, ge=5, le=3600, description="Seconds that a thread may be silent until /healthz fails."
    )
    stop_timeout_s: float = Field(
        20,
        ge=1,
        le=600,
        description="Seconds that a stop may take to finish what is in flight.",
    )
    traces_endpoint: SecretStr | None = Field(
        None,
        description="OTLP server, over HTTP, that takes traces, such as http://127.0.0.1:4318; "
        "when it is not set, nothing is traced.",
    )
    traces_every_s: float = Field(
        10,
        ge=0,
        le=86400,
        description="Seconds between two frames of one stream that are traced; 0 traces every one.",
    )

    @field_validator("traces_endpoint")
    @classmethod
    def _is_base_url(cls, endpoint: SecretStr | None) -> SecretStr | None:
        if endpoint is not None and not _is_http_url(endpoint.get_secret_value()):
            raise ValueError("expected http://host:port or https://host:port, without query")
        return endpoint


class KafkaSettings(ServiceSettings):
    """How to reach the brokers, and how topics are made."""

    kafka_bootstrap_servers: str = Field(
        "127.0.0.1:9092",
        pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$",
        description="Brokers, as host:port[,host:port].",
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How the connection is secured."
    )
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="How the password is proven, where SASL is used."
    )
    kafka_username: str | None = Field(None, description="Name to sign in with.")
    kafka_password: SecretStr | None = Field(None, description="Password to sign in with.")
    kafka_ca_file: Path | None = Field(
        None, description="PEM file of the authority that signed the brokers' certificates."
    )
    kafka_start_timeout_s: float = Field(
        30, ge=1, le=600, description="Seconds that a start waits for a broker before it gives up."
    )
    kafka_session_timeout_s: float = Field(
        10, ge=6, le=300, description="Seconds of silence after which the group drops a reader."
    )
    consumer_group: str = Field(
        "consumer",
        min_length=1,
        max_length=249,
        description="Consumer group that infers; its committed offsets say what is in `results`.",
    )
    postproc_group: str = Field(
        "postproc",
        min_length=1,
        max_length=249,
        description="Consumer group that stores; its committed offsets say what is in S3.",
    )
    create_topics: bool = Field(
        True, description="Whether topics that are missing are made at the start."
    )
    topic_replication_factor: int = Field(
        1, ge=1, le=15, description="Copies of each topic that framerail makes."
    )
    frames_retention_s: int = Field(
        6 * 3600, ge=60, description="Seconds that published frames are kept in Kafka."
    )
    frames_retention_bytes: int = Field(
        2 * 1024 * MIB, ge=64 * MIB, description="Bytes of frames kept in Kafka per stream."
    )
    preflight_outage_s: float = Field(
        60,
        ge=0,
        le=7 * 86400,
        description="Seconds that frames must wait in Kafka for a reader that is away; "
        "`framerail preflight` refuses a topic that holds fewer.",
    )
    results_retention_s: int = Field(
        24 * 3600, ge=60, description="Seconds that results and dead letters are kept in Kafka."
    )
    max_frame_bytes: int = Field(
        4 * MIB - 64 * 1024,
        ge=256 * 1024,
        le=32 * MIB,
        description="Largest JPEG that may be published; its topic is made to hold it.",
    )
    max_result_bytes: int = Field(
        16 * MIB,
        ge=256 * 1024,
        le=64 * MIB,
        description="Largest result document, evidence included; its topic is made to hold it.",
    )

    @model_validator(mode="after")
    def _credentials_come_together(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL"):
            missing = [
                name for name in ("kafka_username", "kafka_password") if getattr(self, name) is None
            ]
            if missing:
                raise ValueError(
                    f"kafka_security_protocol {self.kafka_security_protocol} needs "
                    + " and ".join(missing)
                )
        if self.kafka_ca_file is not None and not self.kafka_ca_file.is_file():
            raise ValueError(f"kafka_ca_file {self.kafka_ca_file}: no such file")
        return self


class S3Settings(ServiceSettings):
    """Where the pictures are kept.

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
    s3_ca_file: Path | None = Field(
        None, description="PEM file of the authority that signed the certificate of the S3 server."
    )

    @model_validator(mode="after")
    def _ca_file_is_there(self) -> Self:
        if self.s3_ca_file is not None and not self.s3_ca_file.is_file():
            raise ValueError(f"s3_ca_file {self.s3_ca_file}: no such file")
        return self


def load_settings(settings_class: type[S], **given: object) -> S:
    """Read the settings of a service; `given` ones win over the environment.

    Raises ConfigurationError naming every wrong one at once.
    """
    try:
        return settings_class(_secrets_dir=os.environ.get(SECRETS_DIR_VARIABLE), **given)  # type: ignore[arg-type]
    except ValidationError as error:
        raise ConfigurationError(_explained(error)) from None


def _is_http_url(text: str) -> bool:
    """Return whether a text is a URL of a server and perhaps a path on it, and no more."""
    if not text.isascii() or any(sign.isspace() or sign in "?#" for sign in text):
        return False
    try:
        parts = urlsplit(text)
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and is_port


def _explained(error: ValidationError) -> str:
    lines = [f"{error.error_count()} setting(s) are wrong:"]
    for problem in error.errors(include_url=False, include_input=False):
        field = "_".join(str(part) for part in problem["loc"])
        name = (ENV_PREFIX + field).upper() if field else "settings"
        lines.append(f"  {name}: {problem['msg']}")
    return "\n".join(lines)
