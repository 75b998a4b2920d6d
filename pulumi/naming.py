"""How everything of a stack is called, and the tags that find it again."""

import re
from dataclasses import dataclass

import pulumi_aws as aws

import pulumi
from ops.aws_settings import PROJECT, WrongSettings

ROLE_PREFIX_LIMIT = 38
"""64 characters of IAM, of which the provider takes 26 for what makes the name unique
(roleNamePrefixMaxLen in internal/service/iam/role.go of terraform-provider-aws)."""


STACK_LIMIT = 17
"""Buckets and roles are named after the stack: their prefixes may take 37 and 38 characters."""
_STACK = re.compile(rf"[a-z]([a-z0-9-]{{0,{STACK_LIMIT - 2}}}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Names:
    """Names of one stack. Fixed where another resource must know one before it exists."""

    project: str
    stack: str
    owner: str

    @property
    def prefix(self) -> str:
        """What every fixed name begins with."""
        return f"{self.project}-{self.stack}"

    @property
    def cluster(self) -> str:
        """The EKS cluster, which its log group is named after."""
        return self.prefix

    @property
    def nodes(self) -> str:
        """The node group, which the automatic stop scales to zero."""
        return f"{self.prefix}-nodes"

    @property
    def tags(self) -> dict[str, str]:
        """What everything is tagged with."""
        return {"project": self.project, "stack": self.stack, "owner": self.owner}

    def tagged(self, name: str) -> dict[str, str]:
        """Return the tags with the name that consoles show."""
        return {**self.tags, "Name": f"{self.prefix}-{name}"}

    def role_prefix(self, role: str) -> str:
        """Return what the name of a role or instance profile begins with.

        Raises ValueError above ROLE_PREFIX_LIMIT, before IAM refuses it half-way through an update.
        """
        prefix = f"{self.prefix}-{role}-"
        if len(prefix) > ROLE_PREFIX_LIMIT:
            raise ValueError(f"{prefix}: {len(prefix)} characters; IAM takes {ROLE_PREFIX_LIMIT}")
        return prefix

    def parameter(self, path: str) -> str:
        """Return the name of a parameter in SSM's Parameter Store."""
        return f"/{self.project}/{self.stack}/{path}"


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


def tagging_provider(names: Names, region: str) -> aws.Provider:
    """Return the provider that tags all that AWS lets it tag; disks get their tags where made."""
    return aws.Provider("aws", region=region, default_tags={"tags": names.tags})


class Component(pulumi.ComponentResource):
    """A concern of the stack; what it creates is its child and shares its provider."""

    def __init__(self, kind: str, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(f"framerail:aws:{kind}", kind.lower(), None, opts)

    def child(self, **options: object) -> pulumi.ResourceOptions:
        """Return the options of a resource of this component."""
        return pulumi.ResourceOptions(parent=self, **options)  # type: ignore[arg-type]
