"""What docs/aws.md tells to type fits the program: outputs, names, and the commands of AWS."""

import re

import botocore.session
import jmespath  # type: ignore[import-untyped]
import pytest
from botocore import xform_name
from broker import CLIENTS_PORT
from network import BROKER_ADDRESS

from local.stack import CHECKOUT
from ops.target import TargetSettings
from runtime.settings import ENV_PREFIX, SECRETS_DIR_VARIABLE
from tests.infra.recording import Program

GUIDE = (CHECKOUT / "docs" / "aws.md").read_text(encoding="utf-8")
# As a shell reads it where the stack is called test.
HERE = GUIDE.replace("$stack", "test").replace("$reviewer", "founders@optifye.ai")
COMMAND = re.compile(
    r"(?<![\w/.])aws (?P<service>[a-z0-9]+) (?P<operation>[a-z-]+)(?P<rest>[^`\n]*)"
)
OF_THE_COMMAND_LINE = {"region", "query", "output"}
# Made for the command line: no operations of the API.
CUSTOM = {("eks", "update-kubeconfig"), ("s3", "ls")}


def commands() -> list[tuple[str, str, str]]:
    joined = GUIDE.replace("\\\n", " ")
    found = [(m["service"], m["operation"], m["rest"]) for m in COMMAND.finditer(joined)]
    return [each for each in found if each[:2] not in CUSTOM]


def test_the_guide_shows_commands() -> None:
    assert len(commands()) > 15


@pytest.mark.parametrize(
    ("service", "operation", "rest"), commands(), ids=lambda each: each.strip()[:30]
)
def test_commands_are_those_of_aws(service: str, operation: str, rest: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    by_command = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(by_command[operation]).input_shape
    known = {xform_name(name, "-") for name in shape.members} if shape else set()
    # In `$(...)` stands another command.
    own = re.sub(r"\$\([^)]*\)", "", rest).partition(")")[0]
    assert set(re.findall(r"--([a-z-]+)", own)) <= known | OF_THE_COMMAND_LINE


@pytest.mark.parametrize(
    "query", re.findall(r"""--query (?:"([^"]+)"|'([^']+)'|(\S+))""", GUIDE), ids=str
)
def test_queries_can_be_read(query: tuple[str, ...]) -> None:
    jmespath.compile("".join(query).rstrip(")"))


def test_outputs_that_are_used_are_exported(program: Program) -> None:
    used = set(re.findall(r"pulumi stack output ([a-z_]+)", GUIDE))
    assert {"vpc_id", "broker_instance", "evidence_bucket", "evidence_url"} <= used
    assert used <= set(program.exports)
    assert program.exports["vpc_id"] == "vpc-id"
    assert program.exports["broker_instance"] == "broker-id"


def test_commands_look_in_the_region_and_for_the_stack_of_the_settings() -> None:
    assert "--region" not in GUIDE
    lines = GUIDE.splitlines()
    for first in ("pulumi preview", "pulumi destroy "):
        asked = next(n for n, line in enumerate(lines) if line.strip().startswith(first))
        told = [line.strip() for line in lines[max(0, asked - 5) : asked]]
        assert any(line.startswith("export AWS_REGION=$(pulumi config get") for line in told)
    assert "stack=$(pulumi stack --show-name)" in GUIDE
    assert "reviewer=$(pulumi stack output reviewer_user)" in GUIDE
    searched = GUIDE.partition("Then look whether anything is left")[2]
    assert "demo" not in searched.partition("## ")[0]


def test_the_file_of_settings_is_there_before_init_writes_its_salt_into_it() -> None:
    assert GUIDE.index("cp Pulumi.example.yaml") < GUIDE.index("pulumi stack init")


def test_what_the_guide_must_not_forget_is_in_it() -> None:
    for needed in (
        "IAM user and role access to Billing information",
        "A second stack in the same account needs a reviewer of its own",
    ):
        assert needed in GUIDE
    after_the_stop = GUIDE.partition("    pulumi up --refresh")[2].splitlines()
    assert after_the_stop[1].strip().startswith("kubectl -n framerail get pods")
    capacity = (CHECKOUT / "docs" / "capacity.md").read_text(encoding="utf-8")
    assert (
        "After `broker_disk_gb` is raised and `pulumi up` has ended, reboot the broker" in capacity
    )


def names(program: Program, kind: str, key: str) -> set[str]:
    found = {str(each.inputs[key]) for each in program.of(kind)}
    assert found, kind
    return found


def test_the_look_for_what_is_left_finds_every_name_of_ours(program: Program) -> None:
    starts = {
        "starts_with(RoleName, 'framerail-test-')": ("iam/role:Role", "namePrefix"),
        "starts_with(InstanceProfileName, 'framerail-test-')": (
            "iam/instanceProfile:InstanceProfile",
            "namePrefix",
        ),
        "starts_with(repositoryName, 'framerail-test/')": ("ecr/repository:Repository", "name"),
        '--path "/framerail/test"': ("ssm/parameter:Parameter", "name"),
        '--name-prefix "framerail-test"': ("scheduleGroup:ScheduleGroup", "name"),
        '--log-group-name-prefix "/aws/eks/framerail-test/"': ("logGroup:LogGroup", "name"),
        "BudgetName=='framerail-test-daily'": ("budgets/budget:Budget", "name"),
        "UserName=='founders@optifye.ai'": ("iam/user:User", "name"),
    }
    for asked, (kind, key) in starts.items():
        assert asked in HERE
        prefix = re.sub(r""".*[' ="]([a-z/@.-]+)['"]?\)?$""", r"\1", asked)
        assert all(name.startswith(prefix) for name in names(program, kind, key)), asked


def test_the_ledgers_way_to_the_broker_is_the_one_that_it_tells_its_clients() -> None:
    assert f"ip address add {BROKER_ADDRESS}/32 dev lo" in GUIDE
    assert f"portNumber={CLIENTS_PORT},localPortNumber=19094" in GUIDE
    assert f"socat TCP-LISTEN:{CLIENTS_PORT},bind={BROKER_ADDRESS}," in GUIDE
    told = set(re.findall(rf"{ENV_PREFIX}([A-Z0-9_]+)=", GUIDE))
    known = {name.upper() for name in TargetSettings.model_fields}
    assert {"KAFKA_BOOTSTRAP_SERVERS", "S3_BUCKET"} <= told
    assert told <= known | {SECRETS_DIR_VARIABLE.removeprefix(ENV_PREFIX)}


def test_what_nobody_has_seen_run_is_named() -> None:
    open_points = GUIDE.partition("Not verified, for want of")[2]
    for point in (
        "NVIDIA's own Triton image",
        "official images of Kafka, SeaweedFS and MediaMTX",
        "KEDA: only that a cluster accepts the ScaledObject",
        "Enforcement of NetworkPolicies",
        "IRSA",
        "The HPA: that it scales",
        "Several nodes",
        "Prices: read from a mirror",
        "`maven-amazon-corretto17`",
        "The Pulumi engine",
    ):
        assert point in open_points
