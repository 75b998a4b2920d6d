"""EKS: one managed node group in one zone, secrets encrypted, IAM the only way in."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi_aws as aws
import pulumi_eks as eks
import pulumi_kubernetes as k8s
from machine import TOKENS_ONLY
from naming import Component, Names
from network import Network
from policies import trusting_account, trusting_service

import pulumi
from ops.aws_settings import Settings

POLICY = "arn:aws:iam::aws:policy"
CONTROL_PLANE_POLICIES = (f"{POLICY}/AmazonEKSClusterPolicy",)
NODE_POLICIES = (
    f"{POLICY}/AmazonEKSWorkerNodePolicy",
    f"{POLICY}/AmazonEKS_CNI_Policy",
    f"{POLICY}/AmazonEC2ContainerRegistryPullOnly",
)
LOG_TYPES = ("authenticator",)
"""Who came in. Audit and API logs of an idle cluster are a gigabyte a day: 60 rupees."""
LOGS_KEPT_DAYS = 3
NODE_DISK_DEVICE = "/dev/xvda"


@dataclass(frozen=True, slots=True)
class Identity:
    """The cluster as IAM knows it: what roles of service accounts trust."""

    provider_arn: pulumi.Output[str]
    issuer: pulumi.Output[str]

    def trust(self, namespace: str, account: str) -> pulumi.Output[str]:
        """Return the document that lets exactly one service account assume a role."""
        return trusting_account(self.provider_arn, self.issuer, namespace, account)


@dataclass(frozen=True, slots=True)
class Permitted:
    """A role and its policies, which have to outlive what the role is given to."""

    role: aws.iam.Role
    attachments: list[aws.iam.RolePolicyAttachment]


class Cluster(Component):
    """`nodes_group` is the security group of all pods; `kubernetes` talks to the cluster.

    What the pods write into, `outlived_by`, is deleted when the nodes are gone, not before: what is
    in the cluster ends with it.
    """

    def __init__(
        self,
        names: Names,
        settings: Settings,
        network: Network,
        outlived_by: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Cluster", opts)
        self.name = names.cluster
        self.eks = self._control_plane(names, settings, network)
        # The name again, but known only once there is such a cluster: what uses it waits.
        self.eks_name = self.eks.cluster_security_group_id.apply(lambda _group: names.cluster)
        self.identity = Identity(self.eks.oidc_provider_arn, self.eks.oidc_issuer)
        # Made by EKS; managed nodes, and with them the pods, are its members.
        self.nodes_group = self.eks.cluster_security_group_id
        self.nodes = self._nodes(names, settings, network, outlived_by)
        self.kubernetes = k8s.Provider(
            "kubernetes",
            kubeconfig=self.eks.kubeconfig_json,
            enable_server_side_apply=True,
            # Where the cluster cannot be reached any more, its contents went with it.
            delete_unreachable=True,
            opts=self.child(depends_on=[self.nodes]),
        )
        # What the HPA of the InferenceService reads.
        aws.eks.Addon(
            "metrics-server",
            cluster_name=self.name,
            addon_name="metrics-server",
            opts=self.child(depends_on=[self.nodes], deleted_with=self.eks),
        )
        self.register_outputs({"name": self.name})

    def _control_plane(self, names: Names, settings: Settings, network: Network) -> eks.Cluster:
        permitted = self._role(names, "control", "eks.amazonaws.com", CONTROL_PLANE_POLICIES)
        logs = self._logs(names)
        return eks.Cluster(
            "cluster",
            name=names.cluster,
            version=settings.kubernetes_version,
            upgrade_policy=aws.eks.ClusterUpgradePolicyArgs(support_type="STANDARD"),
            vpc_id=network.vpc.id,
            public_subnet_ids=[subnet.id for subnet in network.subnets],
            service_role=permitted.role,
            authentication_mode=eks.AuthenticationMode.API,
            create_oidc_provider=True,
            skip_default_node_group=True,
            skip_default_security_groups=True,
            endpoint_public_access=True,
            endpoint_private_access=True,
            public_access_cidrs=list(settings.api_allowed_cidrs),
            encryption_config_key_arn=self._key(names).arn,
            enabled_cluster_log_types=list(LOG_TYPES),
            # Without it NetworkPolicies are accepted and mean nothing.
            vpc_cni_options=eks.VpcCniOptionsArgs(enable_network_policy=True),
            tags=names.tags,
            opts=self.child(depends_on=[logs, network, *permitted.attachments]),
        )

    def _key(self, names: Names) -> aws.kms.Key:
        return aws.kms.Key(
            "cluster",
            description=f"Secrets of the Kubernetes cluster {names.cluster}",
            deletion_window_in_days=7,
            enable_key_rotation=True,
            opts=self.child(),
        )

    def _logs(self, names: Names) -> aws.cloudwatch.LogGroup:
        # Made before EKS would make it, as `pulumi destroy` deletes only what Pulumi made.
        return aws.cloudwatch.LogGroup(
            "cluster",
            name=f"/aws/eks/{names.cluster}/cluster",
            retention_in_days=LOGS_KEPT_DAYS,
            opts=self.child(),
        )

    def _nodes(
        self,
        names: Names,
        settings: Settings,
        network: Network,
        outlived_by: Sequence[pulumi.Resource],
    ) -> eks.ManagedNodeGroup:
        permitted = self._role(names, "nodes", "ec2.amazonaws.com", NODE_POLICIES)
        template = self._node_template(names, settings)
        return eks.ManagedNodeGroup(
            "nodes",
            cluster=self.eks,
            node_group_name=names.nodes,
            # Without it they would stay where they are when the control plane moves on.
            version=settings.kubernetes_version,
            node_role_arn=permitted.role.arn,
            # One zone: frames between the nodes and the broker would cost USD 0.02 a GB across.
            subnet_ids=[network.first_subnet.id],
            instance_types=[settings.node_type],
            ami_type="AL2023_x86_64_STANDARD",
            capacity_type="ON_DEMAND",
            scaling_config=aws.eks.NodeGroupScalingConfigArgs(
                desired_size=settings.node_count, min_size=0, max_size=settings.node_count
            ),
            launch_template=aws.eks.NodeGroupLaunchTemplateArgs(
                id=template.id, version=template.latest_version.apply(str)
            ),
            tags=names.tags,
            opts=self.child(depends_on=[*permitted.attachments, *outlived_by]),
        )

    def _node_template(self, names: Names, settings: Settings) -> aws.ec2.LaunchTemplate:
        tagged = names.tagged("node")
        return aws.ec2.LaunchTemplate(
            "nodes",
            metadata_options=aws.ec2.LaunchTemplateMetadataOptionsArgs(**TOKENS_ONLY),
            block_device_mappings=[
                {
                    "device_name": NODE_DISK_DEVICE,
                    "ebs": {
                        "encrypted": "true",
                        "volume_type": "gp3",
                        "volume_size": settings.node_disk_gb,
                        "delete_on_termination": "true",
                    },
                }
            ],
            tag_specifications=[
                {"resource_type": kind, "tags": tagged}
                for kind in ("instance", "volume", "network-interface")
            ],
            opts=self.child(),
        )

    def _role(self, names: Names, name: str, service: str, policies: Sequence[str]) -> Permitted:
        role = aws.iam.Role(
            name,
            name_prefix=names.role_prefix(name),
            assume_role_policy=trusting_service(service),
            opts=self.child(),
        )
        attachments = [
            aws.iam.RolePolicyAttachment(
                f"{name}-{policy.rpartition('/')[2]}",
                role=role.name,
                policy_arn=policy,
                opts=self.child(),
            )
            for policy in policies
        ]
        return Permitted(role, attachments)
