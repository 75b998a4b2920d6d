"""How things are broken.

A break is a function that breaks something, waits as long as it lasts, and returns when what was
broken is whole again, or is being made whole by nobody but framerail itself.
"""

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import httpx
import psutil
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from local.stack import CHECKOUT
from runtime.topics import ensure_topics, frames_spec
from tests.faults.intruder import INTRUDER, publish_oversized, publish_poison
from tests.faults.proxy import Mode
from tests.faults.system import System, wait_for

Break = Callable[[System], None]
QUICK_OUTAGE_S = 6.0
LONG_OUTAGE_S = 12.0
"""Above every time-out of `run_system.QUICK`, and of the clients that have fixed ones."""


def killed(part: str) -> Break:
    """SIGKILL, once."""

    def make(system: System) -> None:
        system.kill(part)

    return make


def killed_while_it_gathers(system: System) -> None:
    """SIGKILL to the consumer a second after a batch, when the next one is half full."""
    known = system.log("consumer").count("batch.inferred")
    wait_for(lambda: system.log("consumer").count("batch.inferred") > known, "a batch", 60)
    time.sleep(1)
    system.kill("consumer")


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
    """Every write behind the first page of a file fails, as on a full disk: after a restart too."""

    def make(system: System) -> None:
        ends_s = time.monotonic() + seconds
        while time.monotonic() < ends_s:
            _limit_files(system, part, 4096)
            time.sleep(0.2)
        _limit_files(system, part, resource.RLIM_INFINITY)

    return make


def _limit_files(system: System, part: str, limit_bytes: int) -> None:
    for process in system.tree(part):
        with suppress(ProcessLookupError):
            limits = (limit_bytes, resource.RLIM_INFINITY)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)


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


def second_member_comes_and_goes(service: str) -> Break:
    """A second process of a service joins its group and leaves it again: partitions move."""

    def make(system: System) -> None:
        environment = psutil.Process(system.pid(service)).environ() | {"FRAMERAIL_HTTP_PORT": "0"}
        log = system.root / f"second-{service}.log"
        for _ in range(3):
            with log.open("wb") as output:
                second = subprocess.Popen(
                    [sys.executable, "-m", service],
                    cwd=CHECKOUT,
                    env=environment,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
            wait_for(lambda: "service.started" in log.read_text(), f"a second {service}", 60)
            time.sleep(QUICK_OUTAGE_S)
            second.terminate()
            assert second.wait(60) == 0, log.read_text()

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
