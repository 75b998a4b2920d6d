"""What AWS asks for the parts of a deployment, by region, with the day and the source."""

from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

HOURS_PER_MONTH: Final = 730
"""AWS bills monthly prices by the hour, with 730 hours to the month."""

INR_PER_USD: Final = 94.81
INR_PER_USD_AS_OF: Final = date(2026, 3, 27)
INR_PER_USD_SOURCE: Final = "github.com/TheArmagan/currency, a public feed; the newest found"


@dataclass(frozen=True, slots=True)
class PriceList:
    """On-demand prices of one region in USD, without tax. GB here are AWS's, 2**30 bytes."""

    region: str
    instance_usd_per_hour: MappingProxyType[str, float]
    gp3_usd_per_gb_month: float
    s3_put_usd: float
    s3_usd_per_gb_month: float
    logs_usd_per_gb: float
    # Of a gp3 volume, above the 125 MiB/s that are part of it.
    gp3_usd_per_mibps_month: float
    # The same in every region.
    eks_usd_per_hour: float = 0.10
    public_ipv4_usd_per_hour: float = 0.005
    kms_key_usd_per_month: float = 1.0
    ecr_usd_per_gb_month: float = 0.10


PRICES_AS_OF: Final = date(2026, 11, 22)
PRICES_SOURCE: Final = (
    "instances: AWS price list as mirrored by skypilot-catalog v7 (commit 001367d2); "
    "gp3 throughput: saisci.com/aws/gp3-throughput-explained for us-east-1, "
    "elsewhere an estimate in proportion to gp3 storage; "
    "all else: aws.amazon.com/{eks,vpc,ebs,s3,ecr,kms,cloudwatch}/pricing, from memory"
)
"""Read on PRICES_AS_OF. `aws pricing get-products` says what they are today."""

_MUMBAI = PriceList(
    region="ap-south-1",
    instance_usd_per_hour=MappingProxyType(
        {
            "t3.micro": 0.0112,
            "t3.small": 0.0224,
            "t3.medium": 0.0448,
            "c6a.large": 0.04675,
            "c6a.xlarge": 0.0935,
            "c6a.2xlarge": 0.187,
            "c6a.4xlarge": 0.374,
        }
    ),
    gp3_usd_per_gb_month=0.0912,
    s3_put_usd=0.005 / 1000,
    s3_usd_per_gb_month=0.025,
    logs_usd_per_gb=0.67,
    gp3_usd_per_mibps_month=0.0456,
)
_VIRGINIA = PriceList(
    region="us-east-1",
    instance_usd_per_hour=MappingProxyType(
        {
            "t3.micro": 0.0104,
            "t3.small": 0.0208,
            "t3.medium": 0.0416,
            "c6a.large": 0.0765,
            "c6a.xlarge": 0.153,
            "c6a.2xlarge": 0.306,
            "c6a.4xlarge": 0.612,
        }
    ),
    gp3_usd_per_gb_month=0.08,
    s3_put_usd=0.005 / 1000,
    s3_usd_per_gb_month=0.023,
    logs_usd_per_gb=0.50,
    gp3_usd_per_mibps_month=0.04,
)

PRICE_LISTS: Final = MappingProxyType({prices.region: prices for prices in (_MUMBAI, _VIRGINIA)})
"""The regions that can be priced, and so be deployed to: a region is added here first."""
