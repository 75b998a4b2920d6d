"""Subnets are where EKS takes them."""

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
