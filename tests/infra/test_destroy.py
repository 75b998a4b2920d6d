"""`pulumi destroy` ends, also after the automatic stop, when nothing runs in the cluster."""

from tests.infra.recording import Program


def test_what_lives_in_the_cluster_goes_with_it_and_waits_for_no_controller(
    program: Program,
) -> None:
    inside = [each for each in program.resources if each.type.startswith("kubernetes:")]
    assert {each.type for each in inside} >= {
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:yaml/v2:ConfigGroup",
        "kubernetes:core/v1:Secret",
    }
    for resource in [*inside, program.one("eks/addon:Addon")]:
        assert resource.deleted_with.endswith("eks:index:Cluster::cluster"), resource.name


def test_what_lives_outside_of_the_cluster_is_deleted_by_itself(program: Program) -> None:
    outside = [each for each in program.resources if each.type.startswith(("aws:", "eks:"))]
    skipped = {each.name for each in outside if each.deleted_with}
    assert skipped == {"metrics-server"}


def test_nobody_writes_pictures_any_more_when_their_bucket_is_emptied(program: Program) -> None:
    # Postproc ends with the nodes, so these have to be gone first.
    nodes = program.one("eks:index:ManagedNodeGroup")
    assert [urn for urn in nodes.depends_on if urn.endswith("aws:s3/bucket:Bucket::evidence")]


def test_rules_that_name_the_group_eks_made_go_before_eks_deletes_it(program: Program) -> None:
    for rule in program.of("SecurityGroupIngressRule"):
        assert [urn for urn in rule.depends_on if urn.endswith("eks:index:Cluster::cluster")]


def test_no_load_balancer_is_left_in_the_network_by_the_cluster(program: Program) -> None:
    # Its network interfaces are in no state, and hold the subnets.
    controller = program.one("helm.sh/v3:Release", "kserve").inputs["values"]["kserve"]
    assert controller["controller"]["gateway"] == {"disableIngressCreation": True}
