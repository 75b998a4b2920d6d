"""The settings of a stack on AWS, checked whole: the same for `framerail cost` and `pulumi up`."""

import json
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from ops.costs import Cost, Deployment, cost_of, price_list
from ops.prices import INR_PER_USD
from runtime.errors import ConfigurationError

PROJECT = "framerail"
REGION_KEY = "aws:region"
_DEFAULT = Deployment()
_PRICED = frozenset(Deployment.__dataclass_fields__)
# What IAM, tags and Budgets all take: of an address that is less than mail does.
_ADDRESS = r"^[A-Za-z0-9._+=-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"


class WrongSettings(ConfigurationError):
    """At least one setting is wrong; the message names each, and what was expected."""


def _network(text: str) -> str:
    return str(IPv4Network(text))


def _one_of(types: tuple[str, ...], reason: str) -> AfterValidator:
    def checked(value: str) -> str:
        if value not in types:
            raise ValueError(f"{value}: expected one of {', '.join(types)}, as {reason}")
        return value

    return AfterValidator(checked)


def _priced_region(region: str) -> str:
    return price_list(region).region


Cidr = Annotated[str, AfterValidator(_network)]
# tests/unit/test_ops_costs.py holds the prices of all of them in every region.
NODE_TYPES = ("c6a.xlarge", "c6a.2xlarge", "c6a.4xlarge")
BROKER_TYPES = ("t3.small", "t3.medium", "c6a.large", "c6a.xlarge", "c6a.2xlarge")
CAMERA_TYPES = ("t3.micro", "t3.small", "t3.medium", "c6a.large", "c6a.xlarge")
_NODE_REASON = "the pods ask for nearly four cores, and CPU above the baseline of a T is billed"
_BROKER_REASON = "Kafka's heap takes 896 MiB, and the page cache as much again"
_CAMERA_REASON = "only these have a price and run x86-64"


class Settings(BaseModel):
    """What `pulumi config set framerail:<name>` may say; sizes are called as in `ops.costs`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    owner_email: str = Field(
        pattern=_ADDRESS,
        max_length=128,
        description="Who is told about the cost; the tag `owner` of everything.",
    )
    reviewer: str = Field(
        "founders@optifye.ai",
        pattern=r"^[A-Za-z0-9_+=,.@-]{1,64}$",
        description="IAM user with administrator rights, made for the reviewer.",
    )
    region: Annotated[str, AfterValidator(_priced_region)] = Field(
        _DEFAULT.region, description="Set as aws:region."
    )
    # Those in standard support (1.34 until 2026-12-02, 1.35 until 2027-03-27) that were looked at:
    # https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html.
    kubernetes_version: Literal["1.35"] = Field("1.35", description="Of EKS and its nodes.")
    api_allowed_cidrs: tuple[Cidr, ...] = Field(
        ("0.0.0.0/0",),
        description="Networks from which the Kubernetes API may be called, with an IAM identity.",
    )
    node_type: Annotated[str, _one_of(NODE_TYPES, _NODE_REASON)] = Field(
        _DEFAULT.node_type, description="EC2 type of the nodes; x86-64."
    )
    node_count: int = Field(_DEFAULT.node_count, ge=1, le=10, description="Nodes of the cluster.")
    node_disk_gb: int = Field(_DEFAULT.node_disk_gb, ge=30, le=200, description="Disk of a node.")
    broker_type: Annotated[str, _one_of(BROKER_TYPES, _BROKER_REASON)] = Field(
        _DEFAULT.broker_type, description="EC2 type of the Kafka broker."
    )
    broker_disk_gb: int = Field(
        _DEFAULT.broker_disk_gb, ge=10, le=1000, description="Kafka's own volume."
    )
    camera_type: Annotated[str, _one_of(CAMERA_TYPES, _CAMERA_REASON)] = Field(
        _DEFAULT.camera_type, description="EC2 type of the RTSP server."
    )
    cameras: int = Field(
        _DEFAULT.cameras, ge=1, le=8, description="Cameras that play the clip over and over."
    )
    frames_per_s: float = Field(
        _DEFAULT.frames_per_s, gt=0, le=30, description="Frames a second published of each camera."
    )
    evidence_kept_days: int = Field(
        _DEFAULT.evidence_kept_days, ge=1, le=365, description="Days until S3 deletes a picture."
    )
    inr_per_usd: float = Field(INR_PER_USD, gt=50, lt=200, description="Exchange rate.")
    budget_inr_per_day: float = Field(
        1000,
        gt=0,
        le=1e6,
        description="Alarms come at 50, 80 and 100 % of it; a dearer stack is refused.",
    )
    stop_after_hours: int = Field(
        24, ge=1, le=24 * 14, description="Hours after `pulumi up` until the machines are stopped."
    )

    @field_validator("api_allowed_cidrs", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        # Pulumi hands lists over as JSON.
        try:
            listed = json.loads(value) if isinstance(value, str) else value
        except ValueError:
            listed = None
        if not isinstance(listed, list | tuple) or not listed:
            raise ValueError('expected a JSON list of networks, as ["192.0.2.0/24"]')
        return listed

    @property
    def deployment(self) -> Deployment:
        """What is rented, as the cost function takes it."""
        return Deployment(**{name: getattr(self, name) for name in _PRICED if hasattr(self, name)})

    @property
    def cost(self) -> Cost:
        """What it costs."""
        return cost_of(self.deployment)

    @property
    def budget_usd_per_day(self) -> float:
        """The budget in the currency in which AWS counts."""
        return round(self.budget_inr_per_day / self.inr_per_usd, 2)

    @property
    def excess(self) -> str:
        """Why `pulumi up` refuses a stack above its budget; empty if it is within."""
        inr_per_day = self.cost.inr_per_day
        if inr_per_day <= self.budget_inr_per_day:
            return ""
        return (
            f"this configuration costs INR {inr_per_day:.0f} a day, above budget_inr_per_day "
            f"{self.budget_inr_per_day:.0f}; take smaller machines or raise the budget"
        )


def settings_from(config: Mapping[str, Any], *, may_exceed_budget: bool = False) -> Settings:
    """Read a stack's configuration, keys as `framerail:<name>`; `aws:region` is the region.

    Raises WrongSettings naming every wrong one at once, unknown names and a bill above the budget
    included.
    """
    problems = [f"{key}: {_misplaced(key)}" for key in config if _misplaced(key)]
    given = {_name(key): value for key, value in config.items() if _name(key)}
    settings: Settings | None
    try:
        settings = Settings(**given)
    except ValidationError as error:
        problems += _explained(error)
        settings = _without(given, {str(each["loc"][0]) for each in error.errors()})
    if settings is not None and settings.excess and not may_exceed_budget:
        problems.append(f"together: {settings.excess}")
    if problems or settings is None:
        raise WrongSettings(
            "\n  ".join([f"{len(problems)} setting(s) of this stack are wrong:", *problems])
        )
    return settings


def read_stack_file(path: Path) -> Settings:
    """Read `Pulumi.<stack>.yaml` as `pulumi up` would, but take a stack above its budget.

    Raises WrongSettings if it is no such file, or as `settings_from` does.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise WrongSettings(f"{path}: no settings of a stack ({error})") from error
    config = document.get("config") if isinstance(document, dict) else None
    if not isinstance(config, dict):
        raise WrongSettings(f"{path}: no settings of a stack (expected a mapping `config:`)")
    # Pulumi hands every single value over as text.
    as_text = {
        str(key): str(value) if isinstance(value, bool | int | float) else value
        for key, value in config.items()
    }
    return settings_from(as_text, may_exceed_budget=True)


def _name(key: str) -> str:
    """Return the field that a key sets; empty for a key that is not ours to read."""
    if key == REGION_KEY:
        return "region"
    project, _, name = key.partition(":")
    return name if project == PROJECT and name != "region" else ""


def _misplaced(key: str) -> str:
    """Return what is wrong with a key that nothing would read; empty if somebody does."""
    if key == f"{PROJECT}:region":
        return f"the region is set as {REGION_KEY}"
    namespace, separator, _ = key.partition(":")
    if not separator:
        return f"not a setting of this stack; expected {PROJECT}:<name> or {REGION_KEY}"
    # Our provider of AWS is told its region and nothing else.
    return "not read" if namespace == "aws" and key != REGION_KEY else ""


def _without(given: Mapping[str, Any], wrong: set[str]) -> Settings | None:
    """Return the settings that are right, or None where no bill can be made of them."""
    if wrong & (_PRICED | {"budget_inr_per_day"}):
        return None
    right = {name: value for name, value in given.items() if name not in wrong}
    return Settings(**({"owner_email": "owner@example.com"} | right))


def _explained(error: ValidationError) -> list[str]:
    problems = error.errors(include_url=False, include_input=False)
    return [
        f"{_key(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"
        for problem in problems
    ]


def _key(place: tuple[int | str, ...]) -> str:
    name = ".".join(str(part) for part in place)
    return REGION_KEY if name == "region" else f"{PROJECT}:{name}"
