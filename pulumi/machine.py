"""An EC2 instance as ours all are: IMDSv2, encrypted disk, no key, no SSH, secrets from SSM."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi_aws as aws
from naming import Component, Names
from network import Network
from policies import Statement, allow, instance_profile

import pulumi

AMAZON_LINUX = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
# Where systemd keeps the folder of RuntimeDirectory=framerail: in memory, gone with the service.
SECRETS_FOLDER = "/run/framerail"
# One hop ends at the machine: no container and no pod can take its identity.
TOKENS_ONLY: dict[str, Any] = {
    "http_endpoint": "enabled",
    "http_tokens": "required",
    "http_put_response_hop_limit": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSpec:
    """What sets one machine apart; disks in GB, `port` is the only one open, to `reader_group`."""

    name: str
    instance_type: str
    root_disk_gb: int
    port: int
    reader_group: pulumi.Input[str]
    private_ip: str


def store_secrets(
    component: Component, names: Names, machine: str, secrets: Mapping[str, pulumi.Input[str]]
) -> list[aws.ssm.Parameter]:
    """Keep `secrets` where only the role of `machine` may read them; return the parameters."""
    return [
        aws.ssm.Parameter(
            f"{machine}-{key}",
            name=names.parameter(f"{machine}/{key}"),
            type="SecureString",
            value=value,
            opts=component.child(),
        )
        for key, value in secrets.items()
    ]


def reading(parameters: Sequence[aws.ssm.Parameter]) -> Statement:
    """Return the right to read exactly these; AWS's own key for SSM needs no right besides."""
    return allow(["ssm:GetParameter"], [parameter.arn for parameter in parameters])


def security_group(
    component: Component, names: Names, vpc_id: pulumi.Input[str], spec: MachineSpec
) -> aws.ec2.SecurityGroup:
    """Make the group that lets `spec.reader_group` in at one port, and the machine out by HTTPS."""
    group = aws.ec2.SecurityGroup(
        spec.name,
        vpc_id=vpc_id,
        description=f"framerail {spec.name}",
        tags=names.tagged(spec.name),
        opts=component.child(),
    )
    aws.vpc.SecurityGroupIngressRule(
        spec.name,
        security_group_id=group.id,
        referenced_security_group_id=spec.reader_group,
        ip_protocol="tcp",
        from_port=spec.port,
        to_port=spec.port,
        description="from the nodes of the cluster",
        opts=component.child(),
    )
    aws.vpc.SecurityGroupEgressRule(
        spec.name,
        security_group_id=group.id,
        cidr_ipv4="0.0.0.0/0",
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        description="packages, images, SSM and S3",
        opts=component.child(),
    )
    return group


def machine(
    component: Component,
    names: Names,
    spec: MachineSpec,
    network: Network,
    group: aws.ec2.SecurityGroup,
    statements: Sequence[Statement],
    user_data: pulumi.Input[str],
) -> aws.ec2.Instance:
    """Make the instance, and keep it running: `pulumi up --refresh` starts it after a stop."""
    image = aws.ssm.get_parameter_output(
        name=AMAZON_LINUX, opts=pulumi.InvokeOptions(parent=component)
    )
    profile = instance_profile(names, spec.name, statements, component.child())
    instance = aws.ec2.Instance(
        spec.name,
        ami=image.value,
        instance_type=spec.instance_type,
        # The subnet gives it a public address. To ask for one here would replace a machine that
        # was stopped, as it has none then (hashicorp/terraform-provider-aws #33775).
        subnet_id=network.first_subnet.id,
        private_ip=spec.private_ip,
        vpc_security_group_ids=[group.id],
        iam_instance_profile=profile.name,
        # T types run "unlimited" unless told otherwise: CPU above the baseline would be billed.
        credit_specification={"cpu_credits": "standard"},
        metadata_options=aws.ec2.InstanceMetadataOptionsArgs(**TOKENS_ONLY),
        root_block_device=_root_disk(names, spec),
        user_data_base64=user_data,
        user_data_replace_on_change=True,
        tags=names.tagged(spec.name),
        # A new image of Amazon's replaces no machine that runs. Its address and its volume can be
        # held by one instance only, so a replacement waits for the old one to be gone.
        opts=component.child(
            ignore_changes=["ami"], delete_before_replace=True, depends_on=[network]
        ),
    )
    aws.ec2transitgateway.InstanceState(
        spec.name, instance_id=instance.id, state="running", opts=component.child()
    )
    return instance


def _root_disk(names: Names, spec: MachineSpec) -> aws.ec2.InstanceRootBlockDeviceArgs:
    return aws.ec2.InstanceRootBlockDeviceArgs(
        encrypted=True,
        volume_type="gp3",
        volume_size=spec.root_disk_gb,
        delete_on_termination=True,
        tags=names.tagged(f"{spec.name}-root"),
    )
