"""The Pulumi program run whole, against a monitor that keeps every resource as it was asked for.

Nothing of AWS answers: outputs are inputs plus ids, ARNs and the like of a known form.
"""

import json
import runpy
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime import mocks, settings, stack
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.sync_await import _sync_await

import pulumi

PROJECT, STACK = "framerail", "test"
ACCOUNT, REGION = "123456789012", "ap-south-1"
# How Pulumi marks values on the wire (sdk/python/lib/pulumi/runtime/rpc.py).
MARK = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"
RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
COMPUTED: dict[str, dict[str, Any]] = {
    "eks:index:Cluster": {
        "clusterSecurityGroupId": "sg-nodes",
        "oidcProviderArn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/oidc.eks/id/1",
        "oidcIssuer": "oidc.eks/id/1",
        "kubeconfigJson": "{}",
    },
    "aws:iam/userLoginProfile:UserLoginProfile": {"password": "first-password"},
    "random:index/randomPassword:RandomPassword": {"result": "made-password"},
    "tls:index/privateKey:PrivateKey": {
        "privateKeyPem": "PRIVATE-KEY",
        "privateKeyPemPkcs8": "PRIVATE-KEY-8",
    },
    "tls:index/certRequest:CertRequest": {"certRequestPem": "REQUEST"},
    "tls:index/selfSignedCert:SelfSignedCert": {"certPem": "ROOT-CERTIFICATE"},
    "tls:index/locallySignedCert:LocallySignedCert": {"certPem": "BROKER-CERTIFICATE"},
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
}
CALLS: dict[str, dict[str, Any]] = {
    "aws:index/getAvailabilityZones:getAvailabilityZones": {"names": [f"{REGION}a", f"{REGION}b"]},
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT},
    "aws:index/getRegion:getRegion": {"region": REGION},
    "aws:ssm/getParameter:getParameter": {"value": "ami-0123"},
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
        "userName": "AWS",
        "password": "token",
    },
}


@dataclass(frozen=True)
class Recorded:
    """One resource: `secret` names those of its inputs that hold a secret, at any depth.

    `ordered_after` names what it waits for though it takes no value of it.
    """

    type: str
    name: str
    inputs: dict[str, Any]
    provider: str
    is_component: bool
    is_protected: bool
    is_retained: bool
    secret: frozenset[str]
    secret_outputs: frozenset[str]
    depends_on: frozenset[str]
    ordered_after: frozenset[str]
    deleted_with: str
    ignored_changes: tuple[str, ...]
    is_deleted_first: bool

    @property
    def label(self) -> str:
        """As `Instance::broker`."""
        return _label(f"::{self.type}::{self.name}")


@dataclass
class Program:
    resources: list[Recorded] = field(default_factory=list)
    calls: dict[str, dict[str, Any]] = field(default_factory=dict)
    exports: dict[str, Any] = field(default_factory=dict)
    secret_exports: set[str] = field(default_factory=set)

    def of(self, kind: str) -> list[Recorded]:
        """All resources whose type ends so, as `ec2/instance:Instance` does."""
        return [each for each in self.resources if each.type.endswith(kind)]

    def one(self, kind: str, name: str | None = None) -> Recorded:
        found = [each for each in self.of(kind) if name in (None, each.name)]
        assert len(found) == 1, f"{len(found)} of {kind} {name or ''}"
        return found[0]


class Answers(mocks.Mocks):
    def __init__(self, program: Program) -> None:
        self._program = program

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        known = {
            "arn": f"arn:aws:{args.typ.split(':')[1].split('/')[0]}:{REGION}:{ACCOUNT}:{args.name}",
            "repositoryUrl": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{args.name}",
            "ref": f"{args.name}@sha256:{'0' * 64}",
        }
        return f"{args.name}-id", {**known, **args.inputs, **COMPUTED.get(args.typ, {})}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        self._program.calls[args.token] = args.args
        return CALLS[args.token], []


class RecordingMonitor(mocks.MockMonitor):
    def __init__(self, program: Program) -> None:
        super().__init__(Answers(program))
        self._program = program
        self._deleted_with: dict[str, str] = {}

    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Answer as Pulumi's own mock does, but leave references to resources as URNs.

        The SDK would look them up from this thread, in an event loop that is not its own.
        """
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        # As the engine does (inheritFromParent in pkg/resource/deploy/source_eval.go).
        inherited = request.deletedWith or self._deleted_with.get(request.parent, "")
        self._deleted_with[urn] = inherited
        recorded = _recorded(request, inherited)
        self._program.resources.append(recorded)
        new_id, state = self.mocks.new_resource(
            mocks.MockResourceArgs(request.type, request.name, recorded.inputs)
        )
        answer = struct_pb2.Struct()
        answer.update(state)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=new_id or "", object=answer)


def run_program(program_file: Path) -> Program:
    """Run `pulumi/__main__.py` to its end and return all that it asked for."""
    program = Program()
    run_into(program, program_file, STACK)
    return program


def run_into(program: Program, program_file: Path, stack_name: str) -> None:
    """The same, but what was asked for is in `program` also where the run ends in an error."""
    settings.set_root_resource(None)  # type: ignore[arg-type]  # a new stack each time
    mocks.set_mocks(Answers(program), PROJECT, stack_name, monitor=RecordingMonitor(program))

    async def whole() -> None:
        runpy.run_path(str(program_file), run_name="__main__")

    _sync_await(stack.run_pulumi_func(whole))
    outputs: dict[str, Any] = settings.get_root_resource().outputs  # type: ignore[union-attr]
    for name, value in outputs.items():
        output = pulumi.Output.from_input(value)
        program.exports[name] = _sync_await(output.future())
        if _sync_await(output.is_secret()):
            program.secret_exports.add(name)


def _recorded(request: resource_pb2.RegisterResourceRequest, deleted_with: str) -> Recorded:
    fields = request.object.fields
    implied = {urn for each in request.propertyDependencies.values() for urn in each.urns}
    return Recorded(
        type=request.type,
        name=request.name,
        inputs={name: _plain(value) for name, value in fields.items()},
        provider=request.provider or request.providers.get("aws", ""),
        is_component=not request.custom,
        is_protected=request.protect,
        is_retained=request.retainOnDelete,
        secret=frozenset(name for name, value in fields.items() if _holds_secret(value)),
        secret_outputs=frozenset(request.additionalSecretOutputs),
        depends_on=frozenset(request.dependencies),
        ordered_after=frozenset(_label(urn) for urn in set(request.dependencies) - implied),
        deleted_with=deleted_with,
        ignored_changes=tuple(request.ignoreChanges),
        is_deleted_first=request.deleteBeforeReplace,
    )


def _label(urn: str) -> str:
    """Return the end of a URN, its type without package and folder: `Instance::broker`."""
    kinds, _, name = urn.rpartition("::")
    return f"{kinds.rpartition(':')[2]}::{name}"


def _plain(value: struct_pb2.Value) -> Any:
    """Return a value without its marks: what is inside a secret, the URN of a resource."""
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return [_plain(each) for each in value.list_value.values]
    if kind != "struct_value":
        return json_format.MessageToDict(value)
    inside = {name: _plain(each) for name, each in value.struct_value.fields.items()}
    mark = inside.pop(MARK, None)
    if mark == SECRET:
        return inside["value"]
    return inside["urn"] if mark == RESOURCE else inside


def _holds_secret(value: struct_pb2.Value) -> bool:
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return any(_holds_secret(each) for each in value.list_value.values)
    if kind != "struct_value":
        return False
    inside = value.struct_value.fields
    is_secret = MARK in inside and inside[MARK].string_value == SECRET
    return is_secret or any(_holds_secret(each) for each in inside.values())


def statements(policy: str | dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The statements of a policy document."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    yield from document["Statement"]
