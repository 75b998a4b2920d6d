"""Nothing is open to the world."""

from tests.infra.lookups import objects
from tests.infra.recording import Program, statements


def test_machines_let_in_the_cluster_alone_each_at_its_one_port(program: Program) -> None:
    rules = program.of("SecurityGroupIngressRule")
    assert {(rule.name, rule.inputs["fromPort"], rule.inputs["toPort"]) for rule in rules} == {
        ("broker", 9094, 9094),
        ("camera", 8554, 8554),
    }
    for rule in rules:
        assert rule.inputs["referencedSecurityGroupId"] == "sg-nodes"
        assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(rule.inputs)


def test_security_groups_hold_no_rules_of_their_own(program: Program) -> None:
    groups = program.of("ec2/securityGroup:SecurityGroup") + program.of("DefaultSecurityGroup")
    assert {group.name for group in groups} == {"broker", "camera", "default"}
    assert all(not {"ingress", "egress"} & set(group.inputs) for group in groups)


def test_machines_reach_out_by_https_alone(program: Program) -> None:
    rules = program.of("SecurityGroupEgressRule")
    assert {rule.name for rule in rules} == {"broker", "camera"}
    for rule in rules:
        assert rule.inputs["securityGroupId"] == f"{rule.name}-id"
        assert rule.inputs["cidrIpv4"] == "0.0.0.0/0"
        assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (443, 443)


def test_buckets_are_private_whole(program: Program) -> None:
    blocks = {each.name: each for each in program.of("BucketPublicAccessBlock")}
    assert set(blocks) == {"evidence", "models"}
    for block in blocks.values():
        settings = {key: value for key, value in block.inputs.items() if key != "bucket"}
        assert len(settings) == 4
        assert set(settings.values()) == {True}


def test_buckets_refuse_what_comes_without_tls(program: Program) -> None:
    buckets = program.of("s3/bucketPolicy:BucketPolicy")
    assert len(buckets) == 2
    for bucket in buckets:
        (only,) = statements(bucket.inputs["policy"])
        assert (only["Effect"], only["Principal"], only["Action"]) == ("Deny", "*", "s3:*")
        assert only["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(only["Resource"]) == 2
        assert only["Resource"][1] == only["Resource"][0] + "/*"


def test_no_service_of_the_cluster_gets_an_address_outside_of_it(program: Program) -> None:
    services = [each for each in objects(program) if each["kind"] == "Service"]
    assert services
    assert {each["spec"].get("type", "ClusterIP") for each in services} == {"ClusterIP"}
    assert not [each for each in objects(program) if each["kind"] in ("Ingress", "Gateway")]


def test_kserves_storage_initializer_may_start_where_pods_are_restricted(program: Program) -> None:
    patch = program.one("ClusterStorageContainerPatch", "storage-container")
    assert patch.inputs["metadata"]["name"] == "default"
    context = patch.inputs["spec"]["container"]["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert [urn for urn in patch.depends_on if urn.endswith("Release::kserve")]


def test_kserve_makes_plain_deployments_and_no_ingress(program: Program) -> None:
    release = program.one("helm.sh/v3:Release", "kserve")
    controller = release.inputs["values"]["kserve"]["controller"]
    assert controller["deploymentMode"] == "Standard"
    assert controller["gateway"]["disableIngressCreation"] is True
    assert release.inputs["version"] == "v0.20.0"


def test_no_instance_has_a_key_to_sign_in_with(program: Program) -> None:
    for machine in program.of("ec2/instance:Instance") + program.of("LaunchTemplate"):
        assert "keyName" not in machine.inputs
    assert "remoteAccess" not in program.one("eks:index:ManagedNodeGroup").inputs
