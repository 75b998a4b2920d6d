"""A VPC with two public zones and no NAT: S3 through a gateway endpoint, the rest outwards only."""

from collections.abc import Sequence

import pulumi_aws as aws
from naming import Component, Names

import pulumi

VPC_CIDR = "10.20.0.0/16"
SUBNET_CIDRS = ("10.20.0.0/20", "10.20.16.0/20")
# Fixed, because the broker's certificate and the network policies name them before they exist;
# reserved below, as pods are given random addresses of the subnet.
BROKER_ADDRESS = "10.20.0.20"
CAMERA_ADDRESS = "10.20.0.21"
RESERVED_CIDR = "10.20.0.16/28"
# "The subnets can't reside in the following Availability Zones", says the user guide of EKS
# (https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html).
ZONES_WITHOUT_EKS = ["use1-az3", "usw1-az2", "cac1-az3"]
# Local and wavelength zones, once opted into, are listed too: EKS takes none of them.
ZONES_OF_THE_REGION = aws.GetAvailabilityZonesFilterArgs(
    name="opt-in-status", values=["opt-in-not-required"]
)


class Network(Component):
    """`first_subnet` holds nodes, broker and camera: frames that cross zones cost USD 0.02 a GB.

    The second zone is there because EKS asks for two.
    """

    def __init__(
        self, names: Names, region: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Network", opts)
        self._names = names
        self.vpc = aws.ec2.Vpc(
            "vpc",
            cidr_block=VPC_CIDR,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=names.tagged("vpc"),
            opts=self.child(),
        )
        # Every VPC is born with a group that lets its members talk; without rules it lets nothing.
        aws.ec2.DefaultSecurityGroup("default", vpc_id=self.vpc.id, opts=self.child())
        routes, zones = self._routes(), self._zones()
        self.zone = zones[0]
        self.subnets = [
            self._subnet(number, cidr, zones[number], routes)
            for number, cidr in enumerate(SUBNET_CIDRS)
        ]
        self.first_subnet = self.subnets[0]
        self._reserve()
        self._endpoint(region, routes)
        self.register_outputs({"vpc": self.vpc.id})

    def _zones(self) -> pulumi.Output[Sequence[str]]:
        return aws.get_availability_zones_output(
            state="available",
            exclude_zone_ids=ZONES_WITHOUT_EKS,
            filters=[ZONES_OF_THE_REGION],
            opts=pulumi.InvokeOptions(parent=self),
        ).names

    def _reserve(self) -> None:
        aws.ec2.SubnetCidrReservation(
            "fixed-addresses",
            subnet_id=self.first_subnet.id,
            cidr_block=RESERVED_CIDR,
            reservation_type="explicit",
            opts=self.child(),
        )

    def _endpoint(self, region: str, routes: aws.ec2.RouteTable) -> None:
        aws.ec2.VpcEndpoint(
            "s3",
            vpc_id=self.vpc.id,
            service_name=f"com.amazonaws.{region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[routes.id],
            opts=self.child(),
        )

    def _routes(self) -> aws.ec2.RouteTable:
        gateway = aws.ec2.InternetGateway("gateway", vpc_id=self.vpc.id, opts=self.child())
        return aws.ec2.RouteTable(
            "public",
            vpc_id=self.vpc.id,
            routes=[{"cidr_block": "0.0.0.0/0", "gateway_id": gateway.id}],
            opts=self.child(),
        )

    def _subnet(
        self, number: int, cidr: str, zone: pulumi.Input[str], routes: aws.ec2.RouteTable
    ) -> aws.ec2.Subnet:
        subnet = aws.ec2.Subnet(
            f"public-{number}",
            vpc_id=self.vpc.id,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=True,
            tags=self._names.tagged(f"public-{number}"),
            opts=self.child(),
        )
        aws.ec2.RouteTableAssociation(
            f"public-{number}", subnet_id=subnet.id, route_table_id=routes.id, opts=self.child()
        )
        return subnet
