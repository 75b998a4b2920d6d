"""What waits for what though it takes no value of it, and what is done to what is replaced."""

from tests.infra.recording import Program

NETWORK = {
    "DefaultSecurityGroup::default",
    "InternetGateway::gateway",
    "RouteTable::public",
    "RouteTableAssociation::public-0",
    "RouteTableAssociation::public-1",
    "SubnetCidrReservation::fixed-addresses",
    "VpcEndpoint::s3",
}
# A machine takes the id of one subnet; the rest of the network has to be there all the same.
MACHINE = NETWORK | {"Vpc::vpc", "Subnet::public-1"}
EXPECTED = {
    "Addon::metrics-server": {"ManagedNodeGroup::nodes"},
    "BucketPolicy::evidence": {"BucketPublicAccessBlock::evidence"},
    "BucketPolicy::models": {"BucketPublicAccessBlock::models"},
    "Cluster::cluster": NETWORK
    | {"LogGroup::cluster", "RolePolicyAttachment::control-AmazonEKSClusterPolicy"},
    "ClusterStorageContainerPatch::storage-container": {"Release::kserve"},
    "ConfigGroup::ground": {
        "ClusterStorageContainerPatch::storage-container",
        "ConfigGroup::namespace",
        "RolePolicy::model-reader",
        "RolePolicy::postproc",
        "RolePolicy::viewer",
    },
    "ConfigGroup::model": {"ConfigGroup::ground"},
    "ConfigGroup::services": {
        "ConfigGroup::ground",
        "ConfigGroup::model",
        "Secret::framerail-cameras",
        "Secret::framerail-kafka",
        "Secret::framerail-kafka-viewer",
    },
    "Instance::broker": MACHINE,
    "Instance::camera": MACHINE,
    "InstanceProfile::broker-profile": {"RolePolicy::broker-policy"},
    "InstanceProfile::camera-profile": {"RolePolicy::camera-policy"},
    "ManagedNodeGroup::nodes": {
        "Bucket::evidence",
        "RolePolicyAttachment::nodes-AmazonEC2ContainerRegistryPullOnly",
        "RolePolicyAttachment::nodes-AmazonEKSWorkerNodePolicy",
        "RolePolicyAttachment::nodes-AmazonEKS_CNI_Policy",
    },
    "Release::kserve": {"Release::cert-manager", "Release::kserve-crd"},
    "Release::kserve-crd": {"Release::cert-manager"},
    "Schedule::nodes": {"ManagedNodeGroup::nodes"},
    "Secret::framerail-cameras": {"ConfigGroup::namespace"},
    "Secret::framerail-kafka": {"ConfigGroup::namespace"},
    "Secret::framerail-kafka-viewer": {"ConfigGroup::namespace"},
    "kubernetes::kubernetes": {"ManagedNodeGroup::nodes"},
}


def test_what_has_to_be_there_first_is_waited_for(program: Program) -> None:
    uploads = {
        each.label
        for each in program.of("BucketObjectv2")
        if each.name.startswith("model_repository/")
    }
    assert len(uploads) > 2
    expected = EXPECTED | {"ConfigGroup::ground": EXPECTED["ConfigGroup::ground"] | uploads}
    ordered = {each.label: set(each.ordered_after) for each in program.resources}
    assert {label: first for label, first in ordered.items() if first} == expected


def test_what_can_be_there_only_once_is_deleted_before_it_is_made_anew(program: Program) -> None:
    assert {each.label for each in program.resources if each.is_deleted_first} == {
        "Instance::broker",
        "Instance::camera",
        "VolumeAttachment::records",
    }


def test_a_new_image_of_amazons_replaces_no_machine(program: Program) -> None:
    ignoring = {each.label: each.ignored_changes for each in program.resources}
    assert {label: names for label, names in ignoring.items() if names} == {
        "Instance::broker": ("ami",),
        "Instance::camera": ("ami",),
    }
