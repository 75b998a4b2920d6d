"""Which pipeline a command is about: that which the environment names, else the one here."""

import os
from collections.abc import Mapping
from configparser import ConfigParser
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import boto3

from consumer.settings import ModelSettings
from local.state import read_state
from ops.options import lasting_workspace
from ops.pipeline import FRAMES_RETENTION_BYTES, RETENTION_VARIABLE
from runtime.errors import ConfigurationError, DependencyError
from runtime.s3 import s3_client
from runtime.settings import ENV_PREFIX, KafkaSettings, S3Settings, ServiceSettings, load_settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 32
"""At once to S3: a head request per picture is mostly waiting."""
NAMING_VARIABLE = f"{ENV_PREFIX}KAFKA_BOOTSTRAP_SERVERS"
ADDRESSES = {f"{ENV_PREFIX}{n}" for n in ("S3_ENDPOINT_URL", "S3_BUCKET", "TRITON_ADDRESS")}


K = TypeVar("K", bound=ServiceSettings)


class TargetSettings(S3Settings, KafkaSettings):
    """Where Kafka and S3 are, in the words of the services."""


@dataclass(frozen=True, slots=True)
class Target:
    """One pipeline as it is reached from here.

    `triton_address` is host:port, for gRPC; `postproc_metrics_url` is known of a local one only.
    `given` are the settings that its services are told besides those of the environment.
    """

    settings: TargetSettings
    session: boto3.session.Session | None = None
    triton_address: str | None = None
    postproc_metrics_url: str | None = None
    given: Mapping[str, object] = field(default_factory=dict)

    def settings_as(self, kind: type[K]) -> K:
        """Return the settings of this kind as a service of the pipeline has them.

        Raises ConfigurationError if one is wrong.
        """
        return load_settings(kind, **self.given)

    def s3(self) -> "S3Client":
        """Return a client of its S3; nothing is sent yet."""
        return s3_client(self.settings, CONNECTIONS, self.session)


def chosen_target() -> Target:
    """Return the pipeline whose brokers the environment names, else the one that runs here.

    Raises ConfigurationError if a setting is wrong or one is named by halves, DependencyError if
    there is neither.
    """
    if NAMING_VARIABLE in os.environ:
        triton_address = load_settings(ModelSettings).triton_address
        return Target(load_settings(TargetSettings), triton_address=triton_address)
    if others := sorted(ADDRESSES & os.environ.keys()):
        raise ConfigurationError(
            f"{', '.join(others)} set, but not {NAMING_VARIABLE}: name the whole of the pipeline "
            "that you mean, or nothing for the one that runs here"
        )
    workspace = lasting_workspace()
    state = read_state(workspace)
    if state is None or not state.is_supervised():
        raise DependencyError(
            f"no pipeline runs here and {NAMING_VARIABLE} is not set: say `framerail up`, or set "
            "the FRAMERAIL_KAFKA_* and FRAMERAIL_S3_* variables of the pipeline that you mean"
        )
    return local_target(state.addresses, workspace.credentials_file)


def local_target(addresses: Mapping[str, str], credentials_file: Path) -> Target:
    """Return the pipeline of this machine with these addresses and keys.

    Raises ConfigurationError if a `FRAMERAIL_*` variable of the environment is wrong.
    """
    given: dict[str, object] = {
        "kafka_bootstrap_servers": addresses["kafka"],
        "s3_endpoint_url": addresses["s3"],
        "s3_region": "us-east-1",
        "s3_bucket": addresses["bucket"],
        "s3_create_bucket": True,
    }
    if RETENTION_VARIABLE not in os.environ:
        given["frames_retention_bytes"] = FRAMES_RETENTION_BYTES
    if "triton_grpc" in addresses:
        given["triton_address"] = addresses["triton_grpc"]
    keys = ConfigParser(interpolation=None)
    keys.read(credentials_file)
    profile = keys["framerail"]
    session = boto3.session.Session(
        aws_access_key_id=profile["aws_access_key_id"],
        aws_secret_access_key=profile["aws_secret_access_key"],
    )
    return Target(
        load_settings(TargetSettings, **given),
        session,
        addresses.get("triton_grpc"),
        addresses.get("postproc_metrics"),
        given,
    )
