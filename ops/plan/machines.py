"""What the machines of EC2 give for good, without their bursts, each column with its source."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

MACHINES_SOURCE: Final = (
    "vCPU and memory: karpenter-provider-aws, reference/instance-types; network: its "
    "zz_generated.bandwidth.go (commit 01a436f0); CPU of T and throughput to EBS: EC2 User Guide, "
    "burstable-credits-baseline-concepts and ebs-optimized (awsdocs, 2023-06-15); partitions: "
    "Amazon MSK, bestpractices, partitions per standard broker of as many vCPU; pods: "
    "amazon-eks-ami, eni-max-pods.txt (commit 26412050)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One type of EC2; rates are what it gives around the clock, in 10**6 bytes a second.

    `network_mb_per_s` holds for each direction. `partitions` are those that a broker of this size
    should hold, replicas included.
    """

    name: str
    vcpu: int
    cpu_baseline: float
    memory_gib: float
    network_mb_per_s: float
    disk_mb_per_s: float
    partitions: int
    pods: int

    @property
    def cores(self) -> float:
        """CPU that may be used for good; of a T type, what its credits pay for."""
        return self.vcpu * self.cpu_baseline


def _machine(
    name: str, vcpu: int, memory_gib: float, megabits: int, disk: float, partitions: int, pods: int
) -> Machine:
    return Machine(
        name=name,
        vcpu=vcpu,
        cpu_baseline=0.2 if name.startswith("t3.") else 1.0,
        memory_gib=memory_gib,
        network_mb_per_s=megabits / 8,
        disk_mb_per_s=disk,
        partitions=partitions,
        pods=pods,
    )


_ALL = (
    _machine("t3.small", 2, 2, 128, 21.75, 300, 11),
    _machine("t3.medium", 2, 4, 256, 43.38, 300, 17),
    _machine("c6a.large", 2, 4, 781, 81.25, 1000, 29),
    _machine("c6a.xlarge", 4, 8, 1562, 156.25, 1000, 58),
    _machine("c6a.2xlarge", 8, 16, 3125, 312.5, 2000, 58),
    _machine("c6a.4xlarge", 16, 32, 6250, 625.0, 4000, 234),
)
MACHINES: Final = MappingProxyType({machine.name: machine for machine in _ALL})
"""By name, the smallest first; ops/prices.py has the price of each."""
