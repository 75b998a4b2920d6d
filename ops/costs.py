"""What a deployment on AWS costs: one pure function for the command, the guard and the tests."""

from dataclasses import dataclass
from typing import Final

from ops.prices import HOURS_PER_MONTH, INR_PER_USD, PRICE_LISTS, PriceList

FRAMES_PER_BATCH: Final = 25
GST: Final = 0.18
"""What an Indian account pays on top (AWS India invoices); other accounts have their own tax."""
GP3_MIBPS: Final = 125
"""MiB/s that a gp3 volume has; up to 1000 may be bought (EC2 API, EbsBlockDevice)."""
_GIB: Final = 1024**3


class Unpriced(ValueError):
    """The price lists do not know this region or instance type; the message lists those known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What `pulumi up` rents. The defaults are those of the Pulumi program; GB as AWS counts."""

    region: str = "ap-south-1"
    node_type: str = "c6a.xlarge"
    node_count: int = 1
    node_disk_gb: int = 40
    broker_type: str = "t3.small"
    broker_disk_gb: int = 20
    # Of each broker; `pulumi up` makes one, with the throughput that is part of a volume.
    broker_count: int = 1
    broker_disk_mibps: int = GP3_MIBPS
    camera_type: str = "t3.micro"
    # Machines that play cameras; a production has none, its cameras are its own.
    camera_machines: int = 1
    root_disk_gb: int = 10
    cameras: int = 1
    frames_per_s: float = 10.0
    evidence_per_batch: int = 1
    evidence_bytes: int = 150_000
    evidence_kept_days: int = 7
    images_gb: float = 3.0
    logs_gb_per_day: float = 0.05
    inr_per_usd: float = INR_PER_USD

    @property
    def public_addresses(self) -> int:
        """Nodes, brokers and camera each have one, instead of a NAT gateway at ten times that."""
        return self.node_count + self.broker_count + self.camera_machines


@dataclass(frozen=True, slots=True)
class CostLine:
    """One part of the bill, in USD an hour; `is_kept` where it goes on after the stop."""

    what: str
    usd_per_hour: float
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """The bill of a deployment, without tax."""

    lines: tuple[CostLine, ...]
    cameras: int
    inr_per_usd: float

    @property
    def usd_per_hour(self) -> float:
        """All lines together."""
        return sum(line.usd_per_hour for line in self.lines)

    @property
    def usd_per_day(self) -> float:
        """24 hours."""
        return self.usd_per_hour * 24

    @property
    def inr_per_day(self) -> float:
        """24 hours, by the rate of the deployment."""
        return self.usd_per_day * self.inr_per_usd

    @property
    def usd_per_camera_hour(self) -> float:
        """The whole bill shared among the cameras."""
        return self.usd_per_hour / self.cameras

    @property
    def inr_per_day_stopped(self) -> float:
        """What goes on after the automatic stop, until `pulumi destroy`."""
        kept = sum(line.usd_per_hour for line in self.lines if line.is_kept)
        return kept * 24 * self.inr_per_usd


def cost_of(deployment: Deployment) -> Cost:
    """Return what `deployment` costs while it runs.

    Raises Unpriced for a region or an instance type that the price lists lack.
    """
    prices = price_list(deployment.region)
    lines = (*_rented(deployment, prices), *_used(deployment, prices))
    return Cost(lines, deployment.cameras, deployment.inr_per_usd)


def price_list(region: str) -> PriceList:
    """Return the prices of a region; raises Unpriced if they are not known."""
    if region not in PRICE_LISTS:
        raise Unpriced(f"no prices for region {region}; known: {', '.join(sorted(PRICE_LISTS))}")
    return PRICE_LISTS[region]


def usd_of_use_per_camera_hour(deployment: Deployment) -> float:
    """Return what one more camera adds: requests and storage of its evidence, and no machine."""
    prices = price_list(deployment.region)
    batches_per_hour = deployment.frames_per_s * 3600 / FRAMES_PER_BATCH
    pictures_per_hour = batches_per_hour * deployment.evidence_per_batch
    kept_months = deployment.evidence_kept_days * 24 / HOURS_PER_MONTH
    stored_gb = pictures_per_hour * deployment.evidence_bytes / _GIB
    return (
        pictures_per_hour * prices.s3_put_usd + stored_gb * kept_months * prices.s3_usd_per_gb_month
    )


def _rented(deployment: Deployment, prices: PriceList) -> list[CostLine]:
    addresses_usd = deployment.public_addresses * prices.public_ipv4_usd_per_hour
    machines = (
        ("nodes", deployment.node_count, deployment.node_type),
        ("broker", deployment.broker_count, deployment.broker_type),
        ("camera", deployment.camera_machines, deployment.camera_type),
    )
    return [
        CostLine("EKS control plane", prices.eks_usd_per_hour, is_kept=True),
        *(
            CostLine(f"{role}: {count} {machine}", count * _instance_usd(prices, machine))
            for role, count, machine in machines
            if count
        ),
        CostLine(f"public IPv4 addresses: {deployment.public_addresses}", addresses_usd),
        _disks(deployment, prices),
        CostLine(
            "KMS key of the cluster", prices.kms_key_usd_per_month / HOURS_PER_MONTH, is_kept=True
        ),
    ]


def _disks(deployment: Deployment, prices: PriceList) -> CostLine:
    brokers = deployment.broker_count
    disks_gb = (
        deployment.node_count * deployment.node_disk_gb
        + brokers * deployment.broker_disk_gb
        + (brokers + deployment.camera_machines) * deployment.root_disk_gb
    )
    bought_mibps = brokers * (deployment.broker_disk_mibps - GP3_MIBPS)
    usd_per_month = (
        disks_gb * prices.gp3_usd_per_gb_month + bought_mibps * prices.gp3_usd_per_mibps_month
    )
    return CostLine(f"disks: {disks_gb} GB gp3", usd_per_month / HOURS_PER_MONTH, is_kept=True)


def _used(deployment: Deployment, prices: PriceList) -> list[CostLine]:
    images_usd = deployment.images_gb * prices.ecr_usd_per_gb_month / HOURS_PER_MONTH
    logs_usd = deployment.logs_gb_per_day / 24 * prices.logs_usd_per_gb
    evidence_usd = deployment.cameras * usd_of_use_per_camera_hour(deployment)
    return [
        CostLine(f"evidence of {deployment.cameras} camera(s): S3", evidence_usd),
        CostLine(f"images: {deployment.images_gb:g} GB in ECR", images_usd, is_kept=True),
        CostLine("logs of the control plane: CloudWatch", logs_usd, is_kept=True),
    ]


def _instance_usd(prices: PriceList, instance_type: str) -> float:
    known = prices.instance_usd_per_hour
    if instance_type not in known:
        raise Unpriced(
            f"no price for {instance_type} in {prices.region}; known: {', '.join(sorted(known))}"
        )
    return known[instance_type]
