"""What the viewer is told."""

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from runtime.logs import redacted
from runtime.s3 import check_patience
from runtime.settings import KafkaSettings, S3Settings

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HOST_PATTERN = re.compile(r"\*|(\*\.)?[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_SHOWN_CHARS = 200


@dataclass(frozen=True, slots=True)
class MetricsTarget:
    """Where the processes of one service tell their metrics: `host` may have many addresses."""

    name: str
    host: str
    port: int
    path: str


class ViewerSettings(S3Settings, KafkaSettings):
    """Whom the viewer asks, where it serves its page, and when a stream counts as unwell."""

    viewer_host: str = Field("127.0.0.1", description="Address that the page is served on.")
    viewer_port: int = Field(
        8090, ge=0, le=65535, description="Port of the page; 0 takes a free one."
    )
    viewer_allowed_hosts: str = Field(
        "localhost,127.0.0.1,[::1]",
        description="Names that a browser may ask for the page under, with commas; `*.example.org` "
        "takes all below it. Others are refused, so that no foreign site can read the page.",
    )
    viewer_max_clients: int = Field(
        100, ge=1, le=10_000, description="Browsers and terminals that may follow the page at once."
    )
    metrics_urls: str = Field(
        "",
        description="Whose metrics are read, as `producer=http://host:port/metrics`, with commas; "
        "every address of a host is asked.",
    )
    behind_after_s: float = Field(
        10, ge=1, le=86400, description="Seconds behind live from which a stream counts as behind."
    )
    silent_after_s: float = Field(
        5, ge=5, le=3600, description="Seconds without a frame after which a stream is silent."
    )

    @field_validator("metrics_urls")
    @classmethod
    def _metrics_urls_are_read(cls, text: str) -> str:
        parse_targets(text)
        return text

    @field_validator("viewer_allowed_hosts")
    @classmethod
    def _allowed_hosts_are_names(cls, text: str) -> str:
        for number, name in enumerate(_listed(text), start=1):
            if not _HOST_PATTERN.fullmatch(name):
                raise ValueError(
                    f"entry {number} is {name[:_SHOWN_CHARS]!r}: expected a host name or an "
                    "address without its port, `*.` and a name, or `*`"
                )
        return text

    @model_validator(mode="after")
    def _a_slow_answer_is_no_stuck_loop(self) -> Self:
        check_patience(self.stuck_after_s)
        return self

    @property
    def targets(self) -> tuple[MetricsTarget, ...]:
        """Whose metrics are read."""
        return parse_targets(self.metrics_urls)

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The names that the page may be asked for under."""
        return tuple(_listed(self.viewer_allowed_hosts))


def parse_targets(text: str) -> tuple[MetricsTarget, ...]:
    """Return the targets of a list; raise ValueError, naming the entry that is wrong."""
    return tuple(_target(number, entry) for number, entry in enumerate(_listed(text), start=1))


def _listed(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",")] if text.strip() else []


def _target(number: int, entry: str) -> MetricsTarget:
    name, _, url = entry.partition("=")
    # Shown without what may be a password, wherever its "@" stands.
    said = redacted(entry)
    said = f"entry {number} is {('***@' + said.rpartition('@')[2] if '@' in said else said)!r}"
    said = said[:_SHOWN_CHARS]
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{said}: expected name=http://host:port/metrics, the name 1 to 63 of a-z, 0-9 and '-'"
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"{said}: {error}") from None
    if parts.scheme != "http" or not host or port is None or "@" in parts.netloc:
        raise ValueError(f"{said}: expected {name}=http://host:port/metrics")
    if parts.query or parts.fragment:
        raise ValueError(f"{said}: nothing may follow the path")
    return MetricsTarget(name, host, port, parts.path or "/metrics")
