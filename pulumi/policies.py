"""IAM documents: who may assume a role, and what for."""

import json
from collections.abc import Sequence
from typing import Any

import pulumi_aws as aws
from naming import Names

import pulumi

Statement = dict[str, Any]
VERSION = "2012-10-17"
# What Session Manager's agent needs and no more. None of these knows resources. The managed policy
# AmazonSSMManagedInstanceCore would let every instance read every parameter of the account.
SESSION_ACTIONS = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)


def allow(actions: Sequence[str], resources: Sequence[pulumi.Input[str]]) -> Statement:
    """Return a statement that allows `actions` on `resources`."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}


def session_statement() -> Statement:
    """Return what lets a person in through Session Manager, with no port open."""
    return allow(SESSION_ACTIONS, ["*"])


def document(*statements: pulumi.Input[Statement]) -> pulumi.Output[str]:
    """Return the policy document of some statements, once all their ARNs are known."""
    return pulumi.Output.json_dumps({"Version": VERSION, "Statement": list(statements)})


def trusting_service(service: str, **conditions: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return the trust in an AWS service; `conditions` are keys that must equal a value."""
    statement: Statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    if conditions:
        statement["Condition"] = {"StringEquals": conditions}
    return document(statement)


def trusting_account(
    provider_arn: pulumi.Input[str], issuer: pulumi.Input[str], namespace: str, account: str
) -> pulumi.Output[str]:
    """Return the trust in exactly one service account of the cluster (IRSA)."""

    def statement(known: Sequence[str]) -> str:
        arn, host = known[0], known[1].removeprefix("https://")
        equals = {
            f"{host}:sub": f"system:serviceaccount:{namespace}:{account}",
            f"{host}:aud": "sts.amazonaws.com",
        }
        return json.dumps(
            {
                "Version": VERSION,
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Federated": arn},
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": {"StringEquals": equals},
                    }
                ],
            }
        )

    return pulumi.Output.all(provider_arn, issuer).apply(statement)


def instance_profile(
    names: Names, name: str, statements: Sequence[Statement], opts: pulumi.ResourceOptions
) -> aws.iam.InstanceProfile:
    """Make the profile of an EC2 instance that may do `statements`, and be reached through SSM."""
    prefix = names.role_prefix(name)
    trust = trusting_service("ec2.amazonaws.com")
    role = aws.iam.Role(f"{name}-role", name_prefix=prefix, assume_role_policy=trust, opts=opts)
    policy = aws.iam.RolePolicy(
        f"{name}-policy",
        role=role.name,
        policy=document(session_statement(), *statements),
        opts=opts,
    )
    # The first boot already reads what the policy allows.
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[policy]))
    return aws.iam.InstanceProfile(
        f"{name}-profile", name_prefix=prefix, role=role.name, opts=after
    )
