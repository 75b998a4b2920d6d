"""The settings of a stack, checked whole before anything is created."""

import json
import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from ops.costs import Cost, Deployment, Unpriced, cost_of
from ops.prices import INR_PER_USD

PROJECT = "framerail"
STACK_LIMIT = 17
"""Buckets and roles are named after the stack: their prefixes may take 37 and 38 characters."""
_STACK = re.compile(rf"[a-z]([a-z0-9-]{{0,{STACK_LIMIT - 2}}}[a-z0-9])?")
_DEFAULT = Deployment()
_ADDRESS = r"^[A-Za-z0-9._%+=-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"


class WrongSettings(Exception):
    """At least one setting is wrong; the message names each, and what was expected."""


def _network(text: str) -> str:
    return str(IPv4Network(text))


Cidr = Annotated[str, AfterValidator(_network)]


class Settings(BaseModel):
    """What `pulumi config set framerail:<name>` may say; sizes are called as in `ops.costs`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner_email: str = Field(
        pattern=_ADDRESS, description="Who is told about the cost; the tag `owner` of everything."
    )
    reviewer: str = Field(
        "founders@optifye.ai",
        pattern=r"^[\w+=,.@-]{1,64}$",
        description="IAM user with administrator rights, made for the reviewer.",
    )
    region: str = Field(_DEFAULT.region, description="Set as aws:region.")
    kubernetes_version: Literal["1.33", "1.34", "1.35"] = Field(
        "1.35", description="Of EKS; one in standard support, else the control plane costs 6 times."
    )
    api_allowed_cidrs: tuple[Cidr, ...] = Field(
        ("0.0.0.0/0",),
        min_length=1,
        description="Networks from which the Kubernetes API may be called, with an IAM identity.",
    )
    node_type: str = Field(_DEFAULT.node_type, description="EC2 type of the nodes; x86-64.")
    node_count: int = Field(_DEFAULT.node_count, ge=1, le=10, description="Nodes of the cluster.")
    node_disk_gb: int = Field(_DEFAULT.node_disk_gb, ge=30, le=200, description="Disk of a node.")
    broker_type: str = Field(_DEFAULT.broker_type, description="EC2 type of the Kafka broker.")
    broker_disk_gb: int = Field(
        _DEFAULT.broker_disk_gb, ge=10, le=1000, description="Kafka's own volume."
    )
    camera_type: str = Field(_DEFAULT.camera_type, description="EC2 type of the RTSP server.")
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
        1000, gt=0, description="Alarms come at 50, 80 and 100 % of it; a dearer stack is refused."
    )
    stop_after_hours: int = Field(
        24, ge=1, le=24 * 14, description="Hours after `pulumi up` until the machines are stopped."
    )

    @field_validator("api_allowed_cidrs", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        # Pulumi hands lists over as JSON.
        return json.loads(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _is_within_budget(self) -> Self:
        try:
            inr_per_day = self.cost.inr_per_day
        except Unpriced as error:
            raise ValueError(str(error)) from error
        if inr_per_day > self.budget_inr_per_day:
            raise ValueError(
                f"this configuration costs INR {inr_per_day:.0f} a day, above budget_inr_per_day "
                f"{self.budget_inr_per_day:.0f}; take smaller machines or raise the budget"
            )
        return self

    @property
    def deployment(self) -> Deployment:
        """What is rented, as the cost function takes it."""
        chosen = {
            name: getattr(self, name)
            for name in Deployment.__dataclass_fields__
            if name in type(self).model_fields
        }
        return Deployment(**chosen)

    @property
    def cost(self) -> Cost:
        """What it costs."""
        return cost_of(self.deployment)

    @property
    def budget_usd_per_day(self) -> float:
        """The budget in the currency in which AWS counts."""
        return round(self.budget_inr_per_day / self.inr_per_usd, 2)


def check_names(project: str, stack: str) -> None:
    """Raise WrongSettings where AWS would refuse what is named after this project and stack."""
    if project != PROJECT:
        raise WrongSettings(
            f"this project is called {project!r}; expected {PROJECT!r}, as the settings and the "
            "lengths of names depend on it: restore `name` in Pulumi.yaml"
        )
    if not _STACK.fullmatch(stack):
        raise WrongSettings(
            f"this stack is called {stack!r}; expected a to z first, then up to {STACK_LIMIT - 1} "
            "of a-z, 0-9 and '-', the last not '-', as buckets, roles and image repositories are "
            "named after it: `pulumi stack rename <name>`"
        )


def settings_from(config: Mapping[str, Any]) -> Settings:
    """Read a stack's configuration, keys as `framerail:<name>`; `aws:region` is the region.

    Raises WrongSettings naming every wrong one at once, unknown names included.
    """
    given = {
        key.partition(":")[2]: value
        for key, value in config.items()
        if key.startswith(f"{PROJECT}:") and key != f"{PROJECT}:region"
    }
    if "aws:region" in config:
        given["region"] = config["aws:region"]
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongSettings(_explained(error)) from None


def _explained(error: ValidationError) -> str:
    lines = [f"{error.error_count()} setting(s) of this stack are wrong:"]
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"])
        key = "aws:region" if name == "region" else f"{PROJECT}:{name}"
        lines.append(f"  {key if name else 'together'}: {problem['msg']}")
    return "\n".join(lines)
