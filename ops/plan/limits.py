"""Where each part stops scaling: what bounds it, at how many cameras, and what to do then."""

from dataclasses import dataclass
from typing import Final, Literal

from ops.costs import Deployment
from ops.plan.brokers import DISK_FILL, FIXED_PARTITIONS, REPLICATION
from ops.plan.capacity import POD_MIB, UPLOAD_S, UPLOAD_THREADS, PerProcess, Plan
from ops.plan.figures import SizeFigures
from ops.plan.machines import MACHINES
from ops.plan.workload import (
    FRAMES_RETENTION_BYTES,
    UTILISATION,
    Workload,
    kept_bytes_per_camera,
    produced_bytes_per_camera_s,
)
from runtime.topics import SEGMENT_BYTES

Basis = Literal["measured", "arithmetic", "documented", "estimated"]
"""What a bound rests on: our figures, our own settings, somebody's document, or a guess."""

S3_PUTS_PER_S: Final = 3500
"""For each partitioned prefix: Amazon S3 User Guide, optimizing-performance."""
MSK_BROKERS: Final = 60
"""Of one KRaft cluster unless asked for more: Amazon MSK Developer Guide, limits."""
MAPS_PER_PROCESS: Final = 65_530
"""Linux's vm.max_map_count. Kafka maps two index files a segment (Charmed Apache Kafka,
"Performance tuning"), those of old segments once they are read: an upper bound."""
STREAM_LABELS: Final = 4096
"""Of one process: runtime.metrics."""
CONFIG_MAP_BYTES: Final = 1024 * 1024
"""Kubernetes documentation, ConfigMap."""
STREAM_ENTRY_BYTES: Final = 120
"""Of one camera in streams.yaml, id, URL and max_fps: an estimate."""
COMMITS_PER_S: Final = 2000
"""Of one group, that is of one partition on one broker: an estimate, nobody measured it."""
SYSTEM_PODS: Final = 8
"""Of a node, beside ours: an estimate."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One part that stops: `cameras` of the asked kind, in all, up to which it goes on."""

    part: str
    bound: str
    cameras: int
    basis: Basis
    then: str


def limits(plan: Plan, load: SizeFigures) -> list[Limit]:
    """Return every limit, the tightest first."""
    found = [
        *_of_default_broker(load, plan.workload),
        *_of_processes(plan.per_process),
        *_of_kafka(load, plan.workload),
        *_of_kubernetes(plan, load),
        *_of_the_design(plan.workload),
    ]
    return sorted(found, key=lambda each: each.cameras)


def _rows(part: str, *rows: tuple[str, float, Basis, str]) -> list[Limit]:
    return [Limit(part, bound, int(count), basis, then) for bound, count, basis, then in rows]


def _of_default_broker(load: SizeFigures, workload: Workload) -> list[Limit]:
    disk_gb, machine = Deployment().broker_disk_gb, MACHINES[Deployment().broker_type]
    kept_gb = kept_bytes_per_camera(load, workload) / 1024**3
    mb_per_s = produced_bytes_per_camera_s(load, workload) / 1e6
    busy_cores = load.stage_cpu_ms.kafka * workload.fps / 1000
    network, disk = machine.network_mb_per_s, machine.disk_mb_per_s
    cpu = f"CPU: {machine.cpu_baseline:.0%} of {machine.vcpu} vCPU for good"
    larger = "a larger broker_type; the plan names it"
    keep_less = "raise broker_disk_gb, or lower FRAMERAIL_FRAMES_RETENTION_BYTES"
    volume = f"volume: {disk_gb} GB, {DISK_FILL:.0%} full"
    each_way = f"network: {network:g} MB/s each way for good"
    return _rows(
        f"broker {machine.name}",
        (each_way, UTILISATION * network / mb_per_s, "documented", larger),
        (f"EBS: {disk:g} MB/s for good", UTILISATION * disk / mb_per_s, "documented", larger),
        (cpu, UTILISATION * machine.cores / busy_cores, "measured", larger),
        (volume, DISK_FILL * disk_gb / kept_gb, "arithmetic", keep_less),
    )


def _of_processes(each: PerProcess) -> list[Limit]:
    core, shards = "CPU of one core", "more producers: FRAMERAIL_SHARD_COUNT, an index each"
    members = "more members of the group (replicas, or KEDA), up to one a stream"
    waiting = f"memory: {POD_MIB['producer']} MiB with 150 frames a stream waiting"
    lanes = f"memory: {POD_MIB['consumer']} MiB with a batch and a fetch a stream"
    fewer, smaller = ", or lower FRAMERAIL_BUFFER_FRAMES", ", or lower FRAMERAIL_BATCH_SIZE"
    return [
        *_rows(
            "one producer",
            (core, each.producer_cpu, "measured", shards),
            (waiting, each.producer_memory, "arithmetic", shards + fewer),
        ),
        *_rows(
            "one consumer",
            (core, each.consumer_cpu, "measured", members),
            (lanes, each.consumer_memory, "arithmetic", members + smaller),
        ),
        *_rows("one Triton", ("CPU of two cores", each.triton_cpu, "measured", "more replicas")),
        *_of_postproc(each),
    ]


def _of_postproc(each: PerProcess) -> list[Limit]:
    core = "CPU of one core: results has one partition, so one process reads it"
    pipelines = "several pipelines, a Kafka each; more partitions of results would need code"
    uploads = f"uploads: {UPLOAD_THREADS} at once, {UPLOAD_S:g} s each"
    threads = "raise FRAMERAIL_UPLOAD_THREADS, to 64"
    return _rows(
        "postproc",
        (core, each.postproc_cpu, "measured", pipelines),
        (uploads, each.postproc_uploads, "estimated", threads),
    )


def _of_kafka(load: SizeFigures, workload: Workload) -> list[Limit]:
    largest = list(MACHINES.values())[-1]
    segments = FRAMES_RETENTION_BYTES // SEGMENT_BYTES + 1
    maps = f"{MAPS_PER_PROCESS} memory maps, 2 for each of a stream's {segments} segments"
    more_maps = "raise vm.max_map_count on the brokers; copies count too"
    rate = min(largest.network_mb_per_s, largest.disk_mb_per_s) * UTILISATION * MSK_BROKERS
    mb_per_s = REPLICATION * produced_bytes_per_camera_s(load, workload) / 1e6
    brokers = f"{MSK_BROKERS} brokers (MSK's quota) of {largest.name}, {REPLICATION} copies"
    pipelines = "several pipelines, each with a Kafka of its own"
    return [
        *_of_partitions(),
        *_rows(
            "one Kafka broker", (maps, MAPS_PER_PROCESS / (2 * segments), "documented", more_maps)
        ),
        *_rows("one Kafka cluster", (brokers, rate / mb_per_s, "documented", pipelines)),
    ]


def _of_partitions() -> list[Limit]:
    names = (Deployment().broker_type, list(MACHINES)[-1])
    return [
        Limit(
            f"broker {name}",
            f"{MACHINES[name].partitions} partitions with copies, one a stream (MSK's advice)",
            MACHINES[name].partitions - FIXED_PARTITIONS,
            "documented",
            "a larger broker, then more brokers",
        )
        for name in names
    ]


def _of_kubernetes(plan: Plan, load: SizeFigures) -> list[Limit]:
    node = plan.node
    busy_cores = load.stage_cpu_ms.of_nodes * plan.workload.fps / 1000
    pods = (node.pods - SYSTEM_PODS) / plan.per_process.pods_per_camera
    more = "more nodes; `pulumi up` makes up to 10"
    entries = f"1 MiB of a ConfigMap, {STREAM_ENTRY_BYTES} bytes a camera"
    maps = "several pipelines, a ConfigMap each"
    return [
        *_rows(
            f"one node {node.name}",
            (f"CPU of {node.vcpu} vCPU", UTILISATION * node.cores / busy_cores, "measured", more),
            (f"{node.pods} pods", pods, "documented", "larger or more nodes; CPU is gone before"),
        ),
        *_rows("streams.yaml", (entries, CONFIG_MAP_BYTES / STREAM_ENTRY_BYTES, "estimated", maps)),
    ]


def _of_the_design(workload: Workload) -> list[Limit]:
    per_s = workload.batches_per_camera_s
    puts = f"{S3_PUTS_PER_S} PUT/s before S3 has split the prefix"
    slowly = "let it grow slowly: S3 splits below evidence/, and retries bridge it"
    commits = f"{COMMITS_PER_S} commits/s: one partition of __consumer_offsets"
    labels = f"{STREAM_LABELS} streams have labels, the rest is `other`"
    named = "several pipelines; only the name is lost"
    return [
        *_rows("S3, evidence/", (puts, S3_PUTS_PER_S / per_s, "documented", slowly)),
        *_rows(
            "one consumer group", (commits, COMMITS_PER_S / per_s, "estimated", "several pipelines")
        ),
        *_rows("metrics of postproc", (labels, STREAM_LABELS, "arithmetic", named)),
    ]
