"""The embedded stack put together: which servers, on which ports, reached at which addresses."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from local.credentials import AccessKey, access_key
from local.part import Part, Report
from local.ports import HOST, free_ports
from local.prepare.kafka_server import prepare_kafka
from local.prepare.mediamtx_server import prepare_mediamtx
from local.prepare.seaweedfs_server import find_weed
from local.prepare.serving_venv import prepare_serving_venv
from local.servers.kafka_broker import kafka_part
from local.servers.mediamtx import RtspReader, mediamtx_part
from local.servers.seaweedfs import SeaweedPorts, seaweedfs_part
from local.servers.triton import TritonPorts, triton_part
from local.workspace import Workspace

CHECKOUT = Path(__file__).resolve().parents[1]
REQUIREMENTS = CHECKOUT / "requirements" / "serving.txt"
SERVERS = ("kafka", "mediamtx", "seaweedfs", "triton")


@dataclass(frozen=True, slots=True)
class StackPorts:
    """Every TCP port of the stack, all on 127.0.0.1."""

    kafka: int
    kafka_controller: int
    rtsp: int
    s3: int
    s3_grpc: int
    filer: int
    filer_grpc: int
    volume: int
    volume_grpc: int
    master: int
    master_grpc: int
    triton_grpc: int
    triton_http: int
    triton_metrics: int

    @classmethod
    def choose(cls, fixed: Mapping[str, int] | None = None) -> "StackPorts":
        """Return ports that are free now, except those given by name in `fixed`.

        Raises ValueError for a name that is not a port's, and for one number under two names.
        """
        names = [field.name for field in fields(cls)]
        wanted = dict(fixed or {})
        if unknown := wanted.keys() - set(names):
            raise ValueError(f"no such ports: {', '.join(sorted(unknown))}")
        for number in set(wanted.values()):
            sharing = sorted(name for name in wanted if wanted[name] == number)
            if len(sharing) > 1:
                raise ValueError(f"{' and '.join(sharing)} both have port {number}")
        chosen = iter(free_ports(len(names), taken=wanted.values()))
        return cls(**{name: wanted[name] if name in wanted else next(chosen) for name in names})

    @property
    def seaweedfs(self) -> SeaweedPorts:
        """The ports of the S3 server's four services."""
        return SeaweedPorts(
            **{field.name: getattr(self, field.name) for field in fields(SeaweedPorts)}
        )


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where clients reach the servers; `triton_grpc` and `kafka_bootstrap` are `host:port`."""

    kafka_bootstrap: str
    rtsp_url: str
    s3_endpoint: str
    triton_grpc: str
    triton_http: str
    triton_metrics: str

    @classmethod
    def of(cls, ports: StackPorts) -> "Addresses":
        """Return the addresses that go with the ports."""
        return cls(
            kafka_bootstrap=f"{HOST}:{ports.kafka}",
            rtsp_url=f"rtsp://{HOST}:{ports.rtsp}",
            s3_endpoint=f"http://{HOST}:{ports.s3}",
            triton_grpc=f"{HOST}:{ports.triton_grpc}",
            triton_http=f"http://{HOST}:{ports.triton_http}",
            triton_metrics=f"http://{HOST}:{ports.triton_metrics}/metrics",
        )


def prepare_servers(cache: Path, report: Report) -> None:
    """Download and build every server that is missing. Raises PrepareError."""
    prepare_kafka(cache, report)
    prepare_mediamtx(cache, report)
    prepare_serving_venv(cache, REQUIREMENTS, report)


@dataclass(frozen=True, slots=True)
class EmbeddedStack:
    """The servers of one workspace; `Supervisor` runs the parts that `prepare` returns."""

    workspace: Workspace
    ports: StackPorts
    servers: Collection[str] = SERVERS
    reader: RtspReader | None = None
    model_repository: Path = CHECKOUT / "model_repository"
    launcher: Path = CHECKOUT / "serving" / "launch.py"
    requirements: Path = REQUIREMENTS

    @property
    def addresses(self) -> Addresses:
        """Where clients reach the servers."""
        return Addresses.of(self.ports)

    def addresses_by_name(self) -> dict[str, str]:
        """Return the addresses of the chosen servers, as they are written into the state file."""
        first_words = {"kafka": "kafka", "mediamtx": "rtsp", "seaweedfs": "s3", "triton": "triton"}
        mine = {first_words[server] for server in self.servers}
        named = {field.name: getattr(self.addresses, field.name) for field in fields(Addresses)}
        return {name: address for name, address in named.items() if name.split("_")[0] in mine}

    @property
    def access_key(self) -> AccessKey:
        """The S3 administrator's key pair of this workspace."""
        return access_key(self.workspace)

    def prepare(self, report: Report) -> tuple[Part, ...]:
        """Build what is missing, write the servers' configuration, return a part for each.

        Quick when the cache is warm. Raises PrepareError, or ValueError for an unknown server.
        """
        self.workspace.create()
        makers: dict[str, Callable[[Report], Part]] = {
            "kafka": self._kafka,
            "mediamtx": self._mediamtx,
            "seaweedfs": self._seaweedfs,
            "triton": self._triton,
        }
        if unknown := set(self.servers) - makers.keys():
            raise ValueError(f"no such servers: {', '.join(sorted(unknown))}")
        return tuple(make(report) for name, make in makers.items() if name in self.servers)

    def _kafka(self, report: Report) -> Part:
        installation = prepare_kafka(self.workspace.cache, report)
        return kafka_part(
            self.workspace, installation, self.ports.kafka, self.ports.kafka_controller
        )

    def _mediamtx(self, report: Report) -> Part:
        program = prepare_mediamtx(self.workspace.cache, report)
        return mediamtx_part(self.workspace, program, self.ports.rtsp, self.reader)

    def _seaweedfs(self, _report: Report) -> Part:
        weed = find_weed()
        return seaweedfs_part(self.workspace, weed, self.ports.seaweedfs, self.access_key)

    def _triton(self, report: Report) -> Part:
        python = prepare_serving_venv(self.workspace.cache, self.requirements, report)
        ports = TritonPorts(
            grpc=self.ports.triton_grpc,
            http=self.ports.triton_http,
            metrics=self.ports.triton_metrics,
        )
        return triton_part(python, self.launcher, self.model_repository, ports)
