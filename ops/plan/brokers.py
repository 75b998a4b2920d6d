"""How many brokers of which type carry the frames and results of so many cameras."""

import math
from dataclasses import dataclass, replace
from typing import Final

from ops.aws_settings import BROKER_TYPES
from ops.costs import GP3_MIBPS, Deployment
from ops.plan.figures import SizeFigures
from ops.plan.machines import MACHINES, Machine
from ops.plan.workload import (
    UTILISATION,
    Workload,
    kept_bytes_per_camera,
    produced_bytes_per_camera_s,
)
from runtime.settings import MIB

DISK_FILL: Final = 0.8
"""Of a broker's volume at most, as docs/capacity.md says; Kafka deletes whole segments, late."""
REPLICATION: Final = 3
"""Of a cluster; a broker alone has one copy."""
FEW: Final = 6
"""Brokers that are preferred to be larger rather than more: each is one more to watch and roll."""
GP3_LIMIT_MIBPS: Final = 1000
MOST_BROKER_DISK_GB: Final = 1000
"""That `pulumi up` takes."""
FIXED_PARTITIONS: Final = 3
"""results, deadletter and __consumer_offsets, one each."""


@dataclass(frozen=True, slots=True)
class Brokers:
    """Kafka: `count` machines; rates and sizes are of one of them, in each direction."""

    machine: Machine
    count: int
    replication: int
    partitions: int
    disk_gb: int
    disk_mibps: int
    network_mb_per_s: float
    cores: float


def shared_by(
    machine: Machine, load: SizeFigures, workload: Workload, copies: int = 1, count: int = 1
) -> Brokers:
    """Return what each of `count` brokers carries of `copies` of everything, evenly shared."""
    share = workload.cameras * copies / count
    written = share * produced_bytes_per_camera_s(load, workload)
    kept_gb = share * kept_bytes_per_camera(load, workload) / 1024**3 / DISK_FILL
    return Brokers(
        machine=machine,
        count=count,
        replication=copies,
        partitions=math.ceil((workload.cameras + FIXED_PARTITIONS) * copies / count),
        disk_gb=max(Deployment().broker_disk_gb, math.ceil(kept_gb)),
        disk_mibps=_volume_mibps(written, copies),
        network_mb_per_s=written / 1e6,
        cores=share * workload.fps * load.stage_cpu_ms.kafka / 1000,
    )


def strain(brokers: Brokers) -> float:
    """Return the use of what is scarcest, as a share of what may be used: above 1 is too much."""
    machine = brokers.machine
    most_mibps = GP3_MIBPS if brokers.replication == 1 else GP3_LIMIT_MIBPS
    disk_mb_per_s = min(machine.disk_mb_per_s, most_mibps * MIB / 1e6)
    return max(
        brokers.cores / (machine.cores * UTILISATION),
        brokers.network_mb_per_s / (machine.network_mb_per_s * UTILISATION),
        brokers.network_mb_per_s / (disk_mb_per_s * UTILISATION),
        brokers.partitions / machine.partitions,
    )


def brokers_for(load: SizeFigures, workload: Workload) -> Brokers:
    """Return the smallest broker that carries it alone, else a cluster with three copies.

    Alone are those types that `pulumi up` takes; a cluster may have larger ones: the smallest with
    which it has at most FEW brokers, else the largest.
    """
    for name in BROKER_TYPES:
        alone = shared_by(MACHINES[name], load, workload)
        if strain(alone) <= 1 and alone.disk_gb <= MOST_BROKER_DISK_GB:
            return alone
    steady = [machine for machine in MACHINES.values() if machine.cpu_baseline == 1.0]
    clusters = [_cluster(machine, load, workload) for machine in steady]
    return next((each for each in clusters if each.count <= FEW), clusters[-1])


def _volume_mibps(written_bytes_per_s: float, copies: int) -> int:
    """Return what is bought for a volume; `pulumi up`, which makes one broker, buys nothing."""
    wanted = math.ceil(written_bytes_per_s / UTILISATION / MIB)
    return GP3_MIBPS if copies == 1 else max(GP3_MIBPS, wanted)


def _cluster(machine: Machine, load: SizeFigures, workload: Workload) -> Brokers:
    one = shared_by(machine, load, workload, REPLICATION)
    count = max(REPLICATION, math.ceil(strain(one)))
    return shared_by(machine, load, workload, REPLICATION, count)


def with_brokers(rented: Deployment, brokers: Brokers) -> Deployment:
    """Return the deployment with these brokers."""
    return replace(
        rented,
        broker_type=brokers.machine.name,
        broker_count=brokers.count,
        broker_disk_gb=brokers.disk_gb,
        broker_disk_mibps=brokers.disk_mibps,
    )
