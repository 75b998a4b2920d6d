"""Which pipeline a command is about: that which the environment names, else the one here."""

import os
from collections.abc import Mapping
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from local.state import read_state
from ops.options import lasting_workspace
from runtime.errors import ConfigurationError
from runtime.s3 import s3_client
from runtime.settings import ENV_PREFIX, KafkaSettings, S3Settings, load_settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONNECTIONS = 32
"""At once to S3: a head request per picture is mostly waiting."""
NAMING_VARIABLE = f"{ENV_PREFIX}KAFKA_BOOTSTRAP_SERVERS"


class TargetSettings(S3Settings, KafkaSettings):
    """Where Kafka and S3 are, in the words of the services."""


@dataclass(frozen=True, slots=True)
class Target:
    """One pipeline as it is reached from here.

    `triton_address` (host:port, gRPC) and `postproc_metrics_url` are known of a local one only.
    """

    settings: TargetSettings
    session: boto3.session.Session | None = None
    triton_address: str | None = None
    postproc_metrics_url: str | None = None

    def s3(self) -> "S3Client":
        """Return a client of its S3; nothing is sent yet."""
        return s3_client(self.settings, CONNECTIONS, self.session)


def chosen_target() -> Target:
    """Return the pipeline whose brokers the environment names, else the one that runs here.

    Raises ConfigurationError if a setting is wrong, or if there is neither.
    """
    if NAMING_VARIABLE in os.environ:
        return Target(load_settings(TargetSettings))
    workspace = lasting_workspace()
    state = read_state(workspace)
    if state is None or not state.is_supervised():
        raise ConfigurationError(
            f"no pipeline runs here and {NAMING_VARIABLE} is not set: say `framerail up`, or set "
            "the FRAMERAIL_KAFKA_* and FRAMERAIL_S3_* variables of the pipeline that you mean"
        )
    return local_target(state.addresses, workspace.credentials_file)


def local_target(addresses: Mapping[str, str], credentials_file: Path) -> Target:
    """Return the pipeline of this machine with these addresses and keys.

    Raises ConfigurationError if a `FRAMERAIL_*` variable of the environment is wrong.
    """
    settings = load_settings(
        TargetSettings,
        kafka_bootstrap_servers=addresses["kafka"],
        s3_endpoint_url=addresses["s3"],
        s3_region="us-east-1",
        s3_bucket=addresses["bucket"],
    )
    keys = ConfigParser(interpolation=None)
    keys.read(credentials_file)
    profile = keys["framerail"]
    session = boto3.session.Session(
        aws_access_key_id=profile["aws_access_key_id"],
        aws_secret_access_key=profile["aws_secret_access_key"],
    )
    return Target(
        settings, session, addresses.get("triton_grpc"), addresses.get("postproc_metrics")
    )
