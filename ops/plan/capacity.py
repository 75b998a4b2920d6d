"""How much of everything so many cameras need: rules and arithmetic on measured figures, no I/O."""

import math
from dataclasses import dataclass, replace
from typing import Final

from ops.costs import FRAMES_PER_BATCH, Cost, Deployment, cost_of
from ops.plan.brokers import Brokers, brokers_for, with_brokers
from ops.plan.figures import ServiceMemory, SizeFigures
from ops.plan.machines import MACHINES, Machine
from ops.plan.workload import UTILISATION, Workload
from runtime.settings import MIB

NODE_MEMORY: Final = 0.8
"""Of a node's memory at most; an estimate: kubelet, system pods and KServe take the rest."""
POD_CORES: Final = {"producer": 1, "consumer": 1, "triton": 2, "postproc": 1}
POD_MIB: Final = {"producer": 512, "consumer": 512, "triton": 2048, "postproc": 1024}
"""What kserve/ lets each pod take. A Python process cannot use much more than one core anyway."""
PRODUCER_WAITING_FRAMES: Final = 150
"""Of one stream in a producer while Kafka is away: buffer_frames and max_in_flight."""
PARTITION_FETCH_BYTES: Final = 4 * MIB
"""What one answer brings a consumer of one stream that it is behind with: max_frame_bytes."""
UPLOAD_THREADS: Final = 4
MOST_UPLOAD_THREADS: Final = 64
"""That FRAMERAIL_UPLOAD_THREADS takes."""
UPLOAD_S: Final = 0.1
"""To store one picture on AWS: an estimate, not measured."""


@dataclass(frozen=True, slots=True)
class PerProcess:
    """How many cameras one process serves, by what bounds it; below 1 it cannot serve one."""

    producer_cpu: float
    producer_memory: float
    consumer_cpu: float
    consumer_memory: float
    triton_cpu: float
    postproc_cpu: float
    postproc_uploads: float

    @property
    def pods_per_camera(self) -> float:
        """How much of a pod each camera needs, of all kinds together."""
        producer = min(self.producer_cpu, self.producer_memory)
        consumer = min(self.consumer_cpu, self.consumer_memory)
        return sum(1 / n for n in (producer, consumer, self.triton_cpu, self.postproc_cpu) if n)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is needed; `cores` are those that are busy, machines those at UTILISATION of theirs.

    `brokers` are those of one of the `pipelines`, each a whole system with a Kafka of its own, as
    one partition of results feeds one postproc; all else is of all of them together.
    """

    workload: Workload
    pipelines: int
    cores: dict[str, float]
    measured_cores: int
    machine_share: float
    per_process: PerProcess
    processes: dict[str, int]
    brokers: Brokers
    node: Machine
    node_count: int
    cost: Cost

    @property
    def is_one_machine_enough(self) -> bool:
        """Whether a machine like the measured one carries it all."""
        return self.machine_share <= UTILISATION

    @property
    def too_slow(self) -> list[str]:
        """The processes that cannot serve even one such camera, which no plan mends."""
        each = self.per_process
        serves = {
            "producer": min(each.producer_cpu, each.producer_memory),
            "consumer": min(each.consumer_cpu, each.consumer_memory),
            "postproc": each.postproc_cpu,
        }
        return [name for name, cameras in serves.items() if cameras < 1]

    @property
    def is_default_enough(self) -> bool:
        """Whether what `pulumi up` makes unless told otherwise carries it."""
        default = Deployment()
        brokers = self.brokers
        needed = (brokers.count, brokers.machine.name, self.node_count, self.node.name)
        return (
            needed == (1, default.broker_type, default.node_count, default.node_type)
            and brokers.disk_gb <= default.broker_disk_gb
            and self.upload_threads <= UPLOAD_THREADS
        )

    @property
    def upload_threads(self) -> int:
        """What FRAMERAIL_UPLOAD_THREADS of a postproc has to be."""
        uploads_per_s = self.workload.batches_per_s / self.pipelines
        return max(UPLOAD_THREADS, math.ceil(uploads_per_s * UPLOAD_S / UTILISATION))


def per_process(load: SizeFigures, memory: ServiceMemory, workload: Workload) -> PerProcess:
    """Return how many cameras of this kind each process serves."""
    cpu, fps = load.stage_cpu_ms, workload.fps
    lane_bytes = FRAMES_PER_BATCH * load.record_bytes + PARTITION_FETCH_BYTES
    room_bytes = {
        "producer": max(POD_MIB["producer"] - memory.producer, 0) * MIB,
        "consumer": max(POD_MIB["consumer"] - memory.consumer, 0) * MIB,
    }
    return PerProcess(
        producer_cpu=_by_cpu(cpu.producer, fps, POD_CORES["producer"]),
        producer_memory=room_bytes["producer"] / (PRODUCER_WAITING_FRAMES * load.record_bytes),
        consumer_cpu=_by_cpu(cpu.consumer, fps, POD_CORES["consumer"]),
        consumer_memory=room_bytes["consumer"] / lane_bytes,
        triton_cpu=_by_cpu(cpu.triton, fps, POD_CORES["triton"]),
        # Its work is pictures, one a batch: slow cameras have smaller batches, and more of them.
        postproc_cpu=_by_cpu(
            cpu.postproc * FRAMES_PER_BATCH, workload.batches_per_camera_s, POD_CORES["postproc"]
        ),
        postproc_uploads=UTILISATION * UPLOAD_THREADS / UPLOAD_S / workload.batches_per_camera_s,
    )


def plan_of(
    load: SizeFigures,
    memory: ServiceMemory,
    measured_cores: int,
    workload: Workload,
    deployment: Deployment,
) -> Plan:
    """Return the plan; `deployment` says region and node type. Raises Unpriced as `cost_of` does.

    One vCPU is taken to do what one core of the measured machine does.
    """
    each = per_process(load, memory, workload)
    pipelines = max(
        math.ceil(workload.cameras / max(each.postproc_cpu, 1.0)),
        math.ceil(workload.batches_per_s * UPLOAD_S / UTILISATION / MOST_UPLOAD_THREADS),
    )
    share = Workload(math.ceil(workload.cameras / pipelines), workload.fps)
    processes = {name: pipelines * count for name, count in _processes(each, share).items()}
    node = MACHINES[deployment.node_type]
    cores = _cores(load, workload)
    busy_cores = sum(cores.values()) - cores["kafka"]
    rented = replace(deployment, node_count=_nodes(node, busy_cores, processes))
    brokers = brokers_for(load, share)
    all_brokers = replace(brokers, count=pipelines * brokers.count)
    return Plan(
        workload=workload,
        pipelines=pipelines,
        cores=cores,
        measured_cores=measured_cores,
        machine_share=workload.frames_per_s * load.stage_cpu_ms.in_all / 1000 / measured_cores,
        per_process=each,
        processes=processes,
        brokers=brokers,
        node=node,
        node_count=rented.node_count,
        cost=_cost(rented, workload, load, all_brokers),
    )


def _cores(load: SizeFigures, workload: Workload) -> dict[str, float]:
    names = ("producer", "consumer", "triton", "kafka")
    busy = {name: getattr(load.stage_cpu_ms, name) / 1000 for name in names}
    pictures = workload.batches_per_s * FRAMES_PER_BATCH * load.stage_cpu_ms.postproc / 1000
    cores = {name: workload.frames_per_s * seconds for name, seconds in busy.items()}
    return cores | {"postproc": pictures}


def _processes(each: PerProcess, share: Workload) -> dict[str, int]:
    """Return the processes of one pipeline; below one camera a process they cannot cope."""
    serves = {
        "producer": min(each.producer_cpu, each.producer_memory),
        "consumer": min(each.consumer_cpu, each.consumer_memory),
    }
    # A stream is read by one producer and one consumer: more of these find no work.
    ours = {name: math.ceil(share.cameras / max(count, 1.0)) for name, count in serves.items()}
    return ours | {"triton": math.ceil(share.cameras / each.triton_cpu), "postproc": 1}


def _nodes(node: Machine, cores: float, processes: dict[str, int]) -> int:
    memory_gib = sum(POD_MIB[name] * count for name, count in processes.items()) / 1024
    return math.ceil(
        max(cores / (node.cores * UTILISATION), memory_gib / (node.memory_gib * NODE_MEMORY))
    )


def _cost(asked: Deployment, workload: Workload, load: SizeFigures, brokers: Brokers) -> Cost:
    rented = replace(
        asked,
        camera_machines=0,
        cameras=workload.cameras,
        # The cost counts batches of 25; those that close earlier are more.
        frames_per_s=workload.batches_per_camera_s * FRAMES_PER_BATCH,
        evidence_bytes=round(load.evidence_bytes),
    )
    return cost_of(with_brokers(rented, brokers))


def _by_cpu(cpu_ms: float, fps: float, cores: int) -> float:
    return UTILISATION * 1000 * cores / (cpu_ms * fps)
