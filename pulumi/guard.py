"""Against a forgotten stack: a budget that warns, and a stop that does not wait to be read."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pulumi_aws as aws
from naming import Component, Names
from policies import allow, document, trusting_service

import pulumi

ALARMS_PERCENT = (50, 80, 100)
SCALE = "arn:aws:scheduler:::aws-sdk:eks:updateNodegroupConfig"
STOP = "arn:aws:scheduler:::aws-sdk:ec2:stopInstances"


def stop_time(now: datetime, after_hours: int) -> str:
    """Return when to stop, in UTC and in the Scheduler's words; each `pulumi up` puts it off."""
    return (now + timedelta(hours=after_hours)).strftime("at(%Y-%m-%dT%H:%M:%S)")


def scaled_to_zero(cluster: str, nodes: str, node_count: int) -> str:
    """Return the call's input. Names begin in upper case here, unlike in the API of EKS itself."""
    sizes = {"MinSize": 0, "DesiredSize": 0, "MaxSize": node_count}
    return json.dumps({"ClusterName": cluster, "NodegroupName": nodes, "ScalingConfig": sizes})


class Guard(Component):
    """The budget counts the whole account, a day at a time, and is hours late: hence the stop."""

    def __init__(
        self,
        names: Names,
        *,
        budget_usd_per_day: float,
        stop_at: str,
        cluster: str,
        node_count: int,
        instances: Mapping[str, aws.ec2.Instance],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Guard", opts)
        self._budget(names, budget_usd_per_day)
        self._group = aws.scheduler.ScheduleGroup("stop", name=names.prefix, opts=self.child())
        self._stop_at = stop_at
        role = self._role(names, cluster, list(instances.values()))
        ids = [instance.id for instance in instances.values()]
        self._schedule(
            "nodes", SCALE, role, scaled_to_zero(cluster, names.nodes, node_count), after
        )
        self._schedule("instances", STOP, role, pulumi.Output.json_dumps({"InstanceIds": ids}), [])
        self.register_outputs({"stop_at": stop_at})

    def _budget(self, names: Names, limit_usd: float) -> None:
        aws.budgets.Budget(
            "daily",
            name=f"{names.prefix}-daily",
            budget_type="COST",
            time_unit="DAILY",
            limit_amount=f"{limit_usd:.2f}",
            limit_unit="USD",
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "notification_type": "ACTUAL",
                    "subscriber_email_addresses": [names.owner],
                }
                for percent in ALARMS_PERCENT
            ],
            opts=self.child(),
        )

    def _role(
        self, names: Names, cluster: str, instances: Sequence[aws.ec2.Instance]
    ) -> aws.iam.Role:
        invoke = pulumi.InvokeOptions(parent=self)
        account = aws.get_caller_identity_output(opts=invoke).account_id
        region = aws.get_region_output(opts=invoke).region
        role = aws.iam.Role(
            "stop",
            name_prefix=names.role_prefix("stop"),
            assume_role_policy=trusting_service(
                "scheduler.amazonaws.com", **{"aws:SourceAccount": account}
            ),
            opts=self.child(),
        )
        # The end of a node group's ARN is an id that EKS makes up.
        group = pulumi.Output.format(
            "arn:aws:eks:{0}:{1}:nodegroup/{2}/{3}/*", region, account, cluster, names.nodes
        )
        aws.iam.RolePolicy(
            "stop",
            role=role.name,
            policy=document(
                allow(["eks:UpdateNodegroupConfig"], [group]),
                allow(["ec2:StopInstances"], [instance.arn for instance in instances]),
            ),
            opts=self.child(),
        )
        return role

    def _schedule(
        self,
        name: str,
        call: str,
        role: aws.iam.Role,
        call_input: pulumi.Input[str],
        after: Sequence[pulumi.Resource],
    ) -> None:
        aws.scheduler.Schedule(
            name,
            group_name=self._group.name,
            schedule_expression=self._stop_at,
            schedule_expression_timezone="UTC",
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": call,
                "role_arn": role.arn,
                "input": call_input,
                "retry_policy": {
                    "maximum_retry_attempts": 10,
                    "maximum_event_age_in_seconds": 3600,
                },
            },
            opts=self.child(depends_on=list(after)),
        )
