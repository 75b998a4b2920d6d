"""The Pulumi program is no package: it is imported as Pulumi runs it, from its own folder."""

import importlib
import json
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.infra.recording import Program
    from tests.infra.running_broker import RunningBroker

PROGRAM = Path(__file__).resolve().parents[2] / "pulumi"
sys.path.insert(0, str(PROGRAM))


SDK_MODULES = (
    "pulumi_aws.ec2",
    "pulumi_aws.s3",
    "pulumi_eks",
    "pulumi_kubernetes.core.v1",
    "pulumi_kubernetes.yaml.v2",
    "pulumi_kubernetes.helm.v3",
)


def pytest_configure() -> None:
    """Import the SDKs before warnings are errors: some warn of names that they keep for others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for name in SDK_MODULES:
            # Pulumi's SDKs load their modules at the first look at them.
            getattr(importlib.import_module(name), "anything", None)


@pytest.fixture(scope="session")
def program() -> "Program":
    """The whole program, run once with the settings that a new stack has."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not on PATH: the program renders its YAML with it")
    from tests.infra.recording import run_program

    settings = {"aws:region": "ap-south-1", "framerail:owner_email": "owner@example.com"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PULUMI_CONFIG", json.dumps(settings))
        return run_program(PROGRAM / "__main__.py")


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[RunningBroker]":
    """The broker of the user data, with TLS, SCRAM and rights."""
    from tests.infra.running_broker import running_broker

    with running_broker(tmp_path_factory.mktemp("broker")) as running:
        yield running
