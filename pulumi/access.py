"""The reviewer: administrator of the account and the cluster, with a password to be changed."""

import pulumi_aws as aws
from naming import Component

import pulumi

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
CLUSTER_ADMINISTRATOR = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
PASSWORD_CHARACTERS = 24


class Access(Component):
    """`first_password` is secret and good for one sign-in."""

    def __init__(
        self,
        reviewer: str,
        cluster_name: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Access", opts)
        # Whatever the reviewer added - a device for MFA, keys - goes with the user.
        self.user = aws.iam.User("reviewer", name=reviewer, force_destroy=True, opts=self.child())
        # The reviewer is meant to see and change anything: the one stated exception from least
        # privilege (docs/aws.md).
        aws.iam.UserPolicyAttachment(
            "administrator", user=self.user.name, policy_arn=ADMINISTRATOR, opts=self.child()
        )
        sign_in = aws.iam.UserLoginProfile(
            "reviewer",
            user=self.user.name,
            password_length=PASSWORD_CHARACTERS,
            password_reset_required=True,
            opts=self.child(additional_secret_outputs=["password"]),
        )
        self.first_password: pulumi.Output[str] = pulumi.Output.secret(sign_in.password)
        self._let_into(cluster_name)
        account = aws.get_caller_identity_output(opts=pulumi.InvokeOptions(parent=self)).account_id
        self.sign_in_url = pulumi.Output.concat(
            "https://", account, ".signin.aws.amazon.com/console"
        )
        self.register_outputs({"sign_in_url": self.sign_in_url})

    def _let_into(self, cluster_name: pulumi.Input[str]) -> None:
        entry = aws.eks.AccessEntry(
            "reviewer",
            cluster_name=cluster_name,
            principal_arn=self.user.arn,
            opts=self.child(),
        )
        aws.eks.AccessPolicyAssociation(
            "reviewer",
            cluster_name=cluster_name,
            principal_arn=entry.principal_arn,
            policy_arn=CLUSTER_ADMINISTRATOR,
            access_scope={"type": "cluster"},
            opts=self.child(),
        )
