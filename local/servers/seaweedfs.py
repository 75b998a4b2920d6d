"""SeaweedFS as an S3 server with access keys: master, volumes, filer and gateway in one process."""

import contextlib
import http.client
import json
import os
import signal
import socket
from dataclasses import astuple, dataclass
from pathlib import Path

from local.credentials import AccessKey
from local.part import Part, Restart
from local.ports import HOST
from local.probes import http_json, http_status
from local.workspace import Workspace, write_private

# Fixed in SeaweedFS: its services speak gRPC to each other through sockets of these names.
SOCKETS = Path("/tmp"), "seaweedfs-*.sock"  # noqa: S108
SETTINGS = {
    "filer": "true",
    "s3": "true",
    # As on AWS: writing to a bucket that is not there is an error, also for the administrator.
    "s3.autoCreateBucket": "false",
    "s3.iam": "false",
    "s3.port.iceberg": "0",
    "s3.port.lance": "0",
    # A master without peers leads at once (2.3 s to the first object, else 5 s), and one that
    # forgets its earlier terms does so again after a restart (else up to 17 s).
    "master.peers": "none",
    "master.resumeState": "false",
    "master.volumeSizeLimitMB": "64",
    "master.volumePreallocate": "false",
    "volume.max": "0",
    "volume.preStopSeconds": "0",
    "master.telemetry": "false",
}


@dataclass(frozen=True, slots=True)
class SeaweedPorts:
    """Each service's HTTP port and its gRPC port (by itself SeaweedFS would take HTTP + 10000)."""

    s3: int
    s3_grpc: int
    filer: int
    filer_grpc: int
    volume: int
    volume_grpc: int
    master: int
    master_grpc: int


def seaweedfs_part(workspace: Workspace, weed: Path, ports: SeaweedPorts, key: AccessKey) -> Part:
    """Write the identities and return the part, ready once objects can be stored.

    Objects survive restarts, also onto other ports, and being killed.
    """
    identities = workspace.configuration / "seaweedfs-identities.json"
    write_private(identities, json.dumps(_identities(key), indent=2))
    folder = workspace.storage / "seaweedfs"
    return Part(
        name="seaweedfs",
        argv=(str(weed), "-logtostderr", "server", *_options(folder, ports, identities)),
        ready=lambda: _can_store(ports),
        # Its own settings would be read from the working directory.
        working_directory=workspace.configuration,
        ports=astuple(ports),
        before_start=lambda: _make_room(folder),
        after_end=_remove_dead_sockets,
        # Its way of ending takes 15 s (the filer waits for the gateway, which is in the same
        # process): requests get a moment to finish. Killing loses nothing that was acknowledged.
        orphan_signal=signal.SIGKILL,
        grace_s=0.5,
        restart=Restart(),
    )


def _identities(key: AccessKey) -> dict[str, object]:
    return {
        "identities": [
            {
                "name": "framerail",
                "credentials": [{"accessKey": key.key_id, "secretKey": key.secret}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            }
        ]
    }


def _options(folder: Path, ports: SeaweedPorts, identities: Path) -> tuple[str, ...]:
    options = {
        "dir": folder,
        "ip": HOST,
        "ip.bind": HOST,
        "s3.port": ports.s3,
        "s3.port.grpc": ports.s3_grpc,
        "filer.port": ports.filer,
        "filer.port.grpc": ports.filer_grpc,
        "volume.port": ports.volume,
        "volume.port.grpc": ports.volume_grpc,
        "master.port": ports.master,
        "master.port.grpc": ports.master_grpc,
        "s3.config": identities,
        **SETTINGS,
    }
    return tuple(f"-{name}={setting}" for name, setting in options.items())


def _can_store(ports: SeaweedPorts) -> bool:
    # An unsigned request is refused by a gateway that knows its identities, and the master must
    # have a volume server, or the first object waits some seconds.
    if http_status(ports.s3, "/") != http.client.FORBIDDEN:
        return False
    topology = http_json(ports.master, "/dir/status")
    return isinstance(topology, dict) and topology.get("Topology", {}).get("Max", 0) > 0


def _make_room(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _remove_dead_sockets()


def _remove_dead_sockets() -> None:
    folder, names = SOCKETS
    for path in folder.glob(names):
        if path.is_socket() and not _is_served(path):
            # Another user's stay: the sticky bit of the folder refuses.
            with contextlib.suppress(OSError):
                os.unlink(path)


def _is_served(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(0.2)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except OSError:
            return True
    return True
