"""Subnets are where EKS takes them, and machines have their addresses in them."""

from ipaddress import IPv4Address, IPv4Network

from tests.infra.recording import Program

ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"


def test_zones_in_which_eks_refuses_a_cluster_are_left_out(program: Program) -> None:
    asked = program.calls[ZONES]
    assert asked["state"] == "available"
    assert set(asked["excludeZoneIds"]) == {"use1-az3", "usw1-az2", "cac1-az3"}


def test_local_and_wavelength_zones_are_left_out(program: Program) -> None:
    (condition,) = program.calls[ZONES]["filters"]
    assert condition == {"name": "opt-in-status", "values": ["opt-in-not-required"]}


def test_the_cluster_has_subnets_in_two_zones(program: Program) -> None:
    zones = [each.inputs["availabilityZone"] for each in program.of("ec2/subnet:Subnet")]
    assert zones == ["ap-south-1a", "ap-south-1b"]


def test_subnets_lie_within_the_network_and_apart(program: Program) -> None:
    whole = IPv4Network(program.one("ec2/vpc:Vpc").inputs["cidrBlock"])
    subnets = [IPv4Network(each.inputs["cidrBlock"]) for each in program.of("ec2/subnet:Subnet")]
    assert all(subnet.subnet_of(whole) for subnet in subnets)
    assert not subnets[0].overlaps(subnets[1])
    assert {each.inputs["vpcId"] for each in program.of("ec2/subnet:Subnet")} == {"vpc-id"}


def test_both_subnets_have_the_way_out(program: Program) -> None:
    (way,) = program.one("RouteTable", "public").inputs["routes"]
    assert way == {"cidrBlock": "0.0.0.0/0", "gatewayId": "gateway-id"}
    ways = program.of("RouteTableAssociation")
    assert {(each.inputs["subnetId"], each.inputs["routeTableId"]) for each in ways} == {
        ("public-0-id", "public-id"),
        ("public-1-id", "public-id"),
    }


def test_no_pod_is_given_the_address_of_a_machine(program: Program) -> None:
    reservation = program.one("SubnetCidrReservation").inputs
    assert (reservation["subnetId"], reservation["reservationType"]) == ("public-0-id", "explicit")
    reserved = IPv4Network(reservation["cidrBlock"])
    first = program.one("ec2/subnet:Subnet", "public-0").inputs["cidrBlock"]
    assert reserved.subnet_of(IPv4Network(first))
    # AWS keeps the first four addresses of a subnet for itself.
    assert reserved[0] > IPv4Network(first)[3]
    addresses = [each.inputs["privateIp"] for each in program.of("ec2/instance:Instance")]
    assert len(addresses) == len(set(addresses)) == 2
    assert all(IPv4Address(address) in reserved for address in addresses)


def test_a_machine_that_was_stopped_is_started_and_not_replaced(program: Program) -> None:
    """The provider reads no public address of a stopped machine: one that was asked for differs."""
    subnets = {f"{each.name}-id": each.inputs for each in program.of("ec2/subnet:Subnet")}
    for instance in program.of("ec2/instance:Instance"):
        assert "associatePublicIpAddress" not in instance.inputs
        assert subnets[instance.inputs["subnetId"]]["mapPublicIpOnLaunch"] is True
    running = {each.name: each.inputs for each in program.of("InstanceState")}
    assert running == {
        name: {"instanceId": f"{name}-id", "state": "running"} for name in ("broker", "camera")
    }


def test_nodes_have_a_public_address_as_there_is_no_nat_gateway(program: Program) -> None:
    subnets = program.of("ec2/subnet:Subnet")
    assert [each.inputs["mapPublicIpOnLaunch"] for each in subnets] == [True, True]


def test_the_volume_of_records_is_at_the_broker(program: Program) -> None:
    attached = program.one("VolumeAttachment").inputs
    assert (attached["volumeId"], attached["instanceId"]) == ("records-id", "broker-id")
    assert attached["stopInstanceBeforeDetaching"] is True
    volume = program.one("ebs/volume:Volume").inputs
    assert volume["availabilityZone"] == "ap-south-1a"
