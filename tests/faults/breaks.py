"""Every fault that the suite knows: how it is made, and how it ends.

A fault is a function that breaks something, waits as long as it lasts, and returns when what was
broken is whole again, or is being made whole by nobody but framerail itself.
"""

import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import httpx
import psutil
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from runtime.kafka_clients import open_consumer
from runtime.topics import ensure_topics, frames_spec
from tests.faults.intruder import INTRUDER, publish_oversized, publish_poison
from tests.faults.proxy import Mode
from tests.faults.system import System, wait_for

Break = Callable[[System], None]
QUICK_OUTAGE_S = 6.0
LONG_OUTAGE_S = 12.0
"""Above every time-out of `run_system.QUICK`, and of the clients that have fixed ones."""


@dataclass(frozen=True)
class Fault:
    """`broken` is the part; `is_quick` ones run in `make test`."""

    name: str
    broken: str
    make: Break
    is_quick: bool = False


def killed(part: str) -> Break:
    """SIGKILL, once."""

    def make(system: System) -> None:
        system.kill(part)

    return make


def killed_again_and_again(part: str, times: int) -> Break:
    """SIGKILL each time as soon as the part has begun again."""

    def make(system: System) -> None:
        for _ in range(times):
            pid = system.pid(part)
            system.kill(part)
            wait_for(partial(_runs_anew, system, part, pid), f"{part} runs again", 60)

    return make


def _runs_anew(system: System, part: str, old_pid: int) -> bool:
    return system.pid(part) != old_pid


def killed_before_commit(service: str) -> Break:
    """SIGKILL when what was written is acknowledged and its offsets are not yet committed."""

    def make(system: System) -> None:
        order = system.order(service, "dies-before-commit")
        wait_for(lambda: not order.exists(), f"{service} was about to commit", 60)

    return make


def frozen(part: str, seconds: float) -> Break:
    """SIGSTOP, then SIGCONT."""

    def make(system: System) -> None:
        with system.frozen(part):
            time.sleep(seconds)

    return make


def halting(part: str, seconds: float) -> Break:
    """A part that works one tenth of the time: it answers, slowly."""

    def make(system: System) -> None:
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            with system.frozen(part):
                time.sleep(0.9)
            time.sleep(0.1)

    return make


def s3_being(mode: Mode, seconds: float) -> Break:
    """What stands between postproc and S3 behaves so."""

    def make(system: System) -> None:
        assert system.s3 is not None
        with system.s3.being(mode):
            time.sleep(seconds)

    return make


def triton_being(mode: Mode, seconds: float) -> Break:
    """What stands between the consumer and Triton behaves so."""

    def make(system: System) -> None:
        assert system.triton is not None
        with system.triton.being(mode):
            time.sleep(seconds)

    return make


def disk_full(part: str, seconds: float) -> Break:
    """Every write beyond the present length of a file fails, as on a full disk."""

    def make(system: System) -> None:
        pids = [process.pid for process in system.tree(part)]
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        time.sleep(seconds)
        for pid in pids:
            if psutil.pid_exists(pid):
                unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)

    return make


def kafka_refuses_writes(system: System) -> None:
    """Two replicas in sync are asked for where there is one: acks=all is refused."""
    topics = ("frames.cam1", "results")
    admin = KafkaAdminClient(bootstrap_servers=system.addresses["kafka"])
    try:
        for replicas, pause_s in (("2", QUICK_OUTAGE_S), ("1", 0.0)):
            wanted = {"min.insync.replicas": replicas}
            admin.alter_configs(
                [ConfigResource(ConfigResourceType.TOPIC, topic, wanted) for topic in topics]
            )
            time.sleep(pause_s)
    finally:
        admin.close()


def model_order(*orders: str) -> Break:
    """Triton is told to load or unload the model, with seconds between the orders."""

    def make(system: System) -> None:
        url = f"{system.addresses['triton_http']}/v2/repository/models/ssd_mobilenet"
        for number, order in enumerate(orders):
            if number:
                time.sleep(QUICK_OUTAGE_S)
            httpx.post(f"{url}/{order}", json={}, timeout=60).raise_for_status()

    return make


def stub_killed(system: System) -> None:
    """One of the processes in which Triton runs the model is killed."""
    stubs = [p for p in system.tree("triton") if "stub" in p.name()]
    stubs[0].send_signal(signal.SIGKILL)


def second_member_comes_and_goes(group: str, topics: tuple[str, ...]) -> Break:
    """A stranger joins the group and leaves it again: partitions move away and come back."""

    def make(system: System) -> None:
        for _ in range(3):
            stranger = open_consumer(system.target.settings, "stranger", group_id=group)
            stranger.subscribe(topics)
            ends_s = time.monotonic() + 4
            while time.monotonic() < ends_s:
                stranger.poll(500, max_records=1)
            stranger.leave()

    return make


def clock_step(service: str, seconds: int) -> Break:
    """The wall clock of one service is off for a while, then right again."""

    def make(system: System) -> None:
        order = system.order(service, "clock-step-s", str(seconds))
        time.sleep(QUICK_OUTAGE_S)
        order.unlink()

    return make


def flapping_camera(system: System) -> None:
    """The camera dies every two seconds."""
    for _ in range(5):
        system.kill("camera-cam1")
        time.sleep(2)


def everything_stopped(system: System) -> None:
    """SIGTERM to every process at once; then all is started again."""
    assert system.stop() == 0
    system.start()


def supervisor_killed(system: System) -> None:
    """SIGKILL to what started everything; the parts end, and all is started again."""
    assert system.process is not None
    system.process.kill()
    system.process.wait()
    for proxy in (system.s3, system.triton):
        assert proxy is not None
        proxy.close()
    system.start()


def poison(system: System) -> None:
    """Three hundred records that are no frames, or frames that are no pictures."""
    with_producer(system, publish_poison)


def oversized(system: System) -> None:
    """A frame as large as its topic takes, and a picture of more pixels than are decoded."""
    with_producer(system, publish_oversized)


def with_producer(system: System, publish: Callable[[KafkaProducer], None]) -> None:
    """Publish into a stream that no camera of ours has."""
    ensure_topics(system.target.settings, [frames_spec(system.target.settings, INTRUDER)])
    producer = KafkaProducer(
        bootstrap_servers=system.addresses["kafka"], max_request_size=8 * 1024 * 1024
    )
    try:
        publish(producer)
    finally:
        producer.close()


FAULTS = (
    Fault("producer killed", "producer", killed("producer"), is_quick=True),
    Fault(
        "consumer killed in the middle of a batch", "consumer", killed("consumer"), is_quick=True
    ),
    Fault(
        "consumer killed between produce and commit",
        "consumer",
        killed_before_commit("consumer"),
        is_quick=True,
    ),
    Fault(
        "consumer killed three times in a row", "consumer", killed_again_and_again("consumer", 3)
    ),
    Fault("postproc killed", "postproc", killed("postproc"), is_quick=True),
    Fault(
        "postproc killed between upload and commit",
        "postproc",
        killed_before_commit("postproc"),
        is_quick=True,
    ),
    Fault("Kafka killed", "Kafka", killed("kafka"), is_quick=True),
    Fault("Triton killed", "Triton", killed("triton"), is_quick=True),
    Fault("one of Triton's model processes killed", "Triton", stub_killed),
    Fault("S3 killed", "S3", killed("seaweedfs"), is_quick=True),
    Fault("RTSP server killed", "MediaMTX", killed("mediamtx"), is_quick=True),
    Fault("camera killed", "camera", killed("camera-cam1"), is_quick=True),
    Fault("producer frozen for 12 s", "producer", frozen("producer", LONG_OUTAGE_S)),
    Fault("consumer frozen for 12 s", "consumer", frozen("consumer", LONG_OUTAGE_S)),
    Fault("postproc frozen for 12 s", "postproc", frozen("postproc", LONG_OUTAGE_S)),
    Fault("Kafka frozen for 12 s", "Kafka", frozen("kafka", LONG_OUTAGE_S)),
    Fault("Kafka frozen for 45 s", "Kafka", frozen("kafka", 45)),
    Fault("Triton frozen for 12 s", "Triton", frozen("triton", LONG_OUTAGE_S)),
    Fault("S3 frozen for 25 s", "S3", frozen("seaweedfs", 25)),
    Fault("RTSP server frozen for 12 s", "MediaMTX", frozen("mediamtx", LONG_OUTAGE_S)),
    Fault("camera frozen for 12 s", "camera", frozen("camera-cam1", LONG_OUTAGE_S)),
    Fault("Kafka answers a tenth of the time", "Kafka", halting("kafka", 15)),
    Fault("Triton answers a tenth of the time", "Triton", halting("triton", 15)),
    Fault("Kafka refuses writes", "Kafka", kafka_refuses_writes, is_quick=True),
    Fault("Kafka's disk is full", "Kafka", disk_full("kafka", QUICK_OUTAGE_S)),
    Fault("S3 answers slowly", "S3", s3_being("slow", QUICK_OUTAGE_S)),
    Fault("S3 does not answer", "S3", s3_being("silent", LONG_OUTAGE_S)),
    Fault("S3 refuses connections", "S3", s3_being("refuse", QUICK_OUTAGE_S)),
    Fault("S3 breaks off its answers", "S3", s3_being("cut", QUICK_OUTAGE_S)),
    Fault("S3 answers 503", "S3", s3_being("unavailable", QUICK_OUTAGE_S), is_quick=True),
    Fault("S3 forbids writing", "S3", s3_being("forbidden", QUICK_OUTAGE_S)),
    Fault("S3's disk is full", "S3", disk_full("seaweedfs", QUICK_OUTAGE_S)),
    Fault("Triton reloads its model", "Triton", model_order("load")),
    Fault("Triton has unloaded its model", "Triton", model_order("unload", "load"), is_quick=True),
    Fault("Triton refuses connections", "Triton", triton_being("refuse", QUICK_OUTAGE_S)),
    Fault("Triton breaks off its answers", "Triton", triton_being("cut", QUICK_OUTAGE_S)),
    Fault("Triton does not answer", "Triton", triton_being("silent", LONG_OUTAGE_S)),
    Fault(
        "a second consumer joins and leaves three times",
        "consumer",
        second_member_comes_and_goes("consumer", ("frames.cam1", "frames.cam2")),
    ),
    Fault(
        "a second postproc joins and leaves three times",
        "postproc",
        second_member_comes_and_goes("postproc", ("results",)),
    ),
    Fault("producer's clock an hour ahead", "clock", clock_step("producer", 3600)),
    Fault("producer's clock an hour behind", "clock", clock_step("producer", -3600)),
    Fault("consumer's clock an hour behind", "clock", clock_step("consumer", -3600)),
    Fault("camera flaps every 2 s", "camera", flapping_camera),
    Fault("300 poison records", "records", poison, is_quick=True),
    Fault("oversized frames", "records", oversized),
    Fault("SIGTERM to everything at once", "everything", everything_stopped, is_quick=True),
    Fault("the supervisor killed", "everything", supervisor_killed),
)
