"""What is made is found again, paid for, guarded, and ended with one command."""

import json

from contracts.names import LEDGER_KEY
from tests.infra.lookups import policies
from tests.infra.recording import ACCOUNT, Program, Recorded, statements

TAGS = {"project": "framerail", "stack": "test", "owner": "owner@example.com"}


def taggable(program: Program) -> list[Recorded]:
    return [each for each in program.resources if each.type.startswith("aws:")]


def test_all_of_aws_is_made_by_the_provider_that_tags(program: Program) -> None:
    provider = program.one("pulumi:providers:aws")
    assert json.loads(provider.inputs["defaultTags"])["tags"] == TAGS
    assert len(taggable(program)) > 60
    for resource in taggable(program):
        assert "pulumi:providers:aws::aws::" in resource.provider, resource.name
    for remote in program.of("eks:index:Cluster") + program.of("eks:index:ManagedNodeGroup"):
        assert remote.inputs["tags"] == TAGS
        assert "pulumi:providers:aws::aws::" in remote.provider


def test_disks_that_the_provider_cannot_tag_are_tagged_where_they_are_made(
    program: Program,
) -> None:
    for machine in program.of("ec2/instance:Instance"):
        assert TAGS.items() <= machine.inputs["rootBlockDevice"]["tags"].items()
    specifications = program.one("LaunchTemplate").inputs["tagSpecifications"]
    kinds = {each["resourceType"]: each["tags"] for each in specifications}
    assert set(kinds) == {"instance", "volume", "network-interface"}
    assert all(TAGS.items() <= tags.items() for tags in kinds.values())


def test_everything_goes_with_one_destroy(program: Program) -> None:
    assert not [each for each in program.resources if each.is_protected or each.is_retained]
    for bucket in program.of("s3/bucket:Bucket"):
        assert bucket.inputs["forceDestroy"] is True
    for repository in program.of("ecr/repository:Repository"):
        assert repository.inputs["forceDelete"] is True
    assert program.one("iam/user:User").inputs["forceDestroy"] is True
    assert program.one("kms/key:Key").inputs["deletionWindowInDays"] == 7
    assert program.one("ebs/volume:Volume").inputs["finalSnapshot"] is False
    assert not [each for each in program.of("Addon") if each.inputs.get("preserve")]


def test_the_clusters_log_group_is_ours_before_eks_would_make_it(program: Program) -> None:
    logs = program.one("LogGroup")
    assert logs.inputs["name"] == "/aws/eks/framerail-test/cluster"
    assert logs.inputs["retentionInDays"] == 3
    cluster = program.one("eks:index:Cluster")
    assert [urn for urn in cluster.depends_on if urn.endswith("LogGroup::cluster")]


def test_evidence_is_forgotten_after_the_days_of_the_settings(program: Program) -> None:
    (rule,) = program.one("BucketLifecycleConfiguration").inputs["rules"]
    assert rule["expiration"] == {"days": 7}
    assert rule["filter"] == {"prefix": "evidence/"}
    assert not LEDGER_KEY.startswith("evidence/"), "the verdict would be forgotten too"
    assert rule["status"] == "Enabled"


def test_machines_are_those_that_were_priced_and_cost_nothing_above(program: Program) -> None:
    instances = {each.name: each.inputs for each in program.of("ec2/instance:Instance")}
    assert instances["broker"]["instanceType"] == "t3.small"
    assert instances["camera"]["instanceType"] == "t3.micro"
    for instance in instances.values():
        assert instance["creditSpecification"] == {"cpuCredits": "standard"}
    nodes = program.one("eks:index:ManagedNodeGroup").inputs
    assert nodes["instanceTypes"] == ["c6a.xlarge"]
    assert nodes["scalingConfig"] == {"desiredSize": 1, "minSize": 0, "maxSize": 1}
    assert nodes["version"] == program.one("eks:index:Cluster").inputs["version"] == "1.35"
    assert program.one("eks:index:Cluster").inputs["upgradePolicy"] == {"supportType": "STANDARD"}
    for absent in ("NatGateway", "LoadBalancer", "eip:Eip"):
        assert not program.of(absent)


def test_frames_stay_within_one_zone(program: Program) -> None:
    subnets = {each.inputs["subnetId"] for each in program.of("ec2/instance:Instance")}
    assert subnets == {"public-0-id"}
    assert program.one("eks:index:ManagedNodeGroup").inputs["subnetIds"] == ["public-0-id"]


def test_the_owner_is_told_at_50_80_and_100_percent_of_the_budget(program: Program) -> None:
    budget = program.one("budgets/budget:Budget").inputs
    assert (budget["timeUnit"], budget["limitUnit"]) == ("DAILY", "USD")
    assert float(budget["limitAmount"]) == round(1000 / 94.81, 2)
    assert [each["threshold"] for each in budget["notifications"]] == [50, 80, 100]
    for each in budget["notifications"]:
        assert each["subscriberEmailAddresses"] == ["owner@example.com"]


def test_the_stop_scales_the_nodes_to_zero_and_stops_both_machines(program: Program) -> None:
    schedules = {each.name: each.inputs for each in program.of("scheduler/schedule:Schedule")}
    nodes, instances = schedules["nodes"]["target"], schedules["instances"]["target"]
    # As the Scheduler spells what it calls: service in lower case, call in camel case.
    assert nodes["arn"] == "arn:aws:scheduler:::aws-sdk:eks:updateNodegroupConfig"
    assert instances["arn"] == "arn:aws:scheduler:::aws-sdk:ec2:stopInstances"
    for target in (nodes, instances):
        assert target["roleArn"] == f"arn:aws:iam:ap-south-1:{ACCOUNT}:stop"
    assert json.loads(nodes["input"]) == {
        "ClusterName": "framerail-test",
        "NodegroupName": "framerail-test-nodes",
        "ScalingConfig": {"MinSize": 0, "DesiredSize": 0, "MaxSize": 1},
    }
    assert program.one("eks:index:ManagedNodeGroup").inputs["nodeGroupName"] == (
        "framerail-test-nodes"
    )
    assert json.loads(instances["input"]) == {"InstanceIds": ["broker-id", "camera-id"]}
    assert {each["scheduleExpression"] for each in schedules.values()} == {
        program.exports["stops_at"]
    }


def test_the_stop_may_touch_these_nodes_and_machines_only(program: Program) -> None:
    rights = {tuple(s["Action"]): s["Resource"] for s in policies(program)["stop"]}
    assert rights == {
        ("eks:UpdateNodegroupConfig",): [
            f"arn:aws:eks:ap-south-1:{ACCOUNT}:nodegroup/framerail-test/framerail-test-nodes/*"
        ],
        ("ec2:StopInstances",): [
            f"arn:aws:ec2:ap-south-1:{ACCOUNT}:broker",
            f"arn:aws:ec2:ap-south-1:{ACCOUNT}:camera",
        ],
    }
    (trust,) = statements(program.one("iam/role:Role", "stop").inputs["assumeRolePolicy"])
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
