"""The health of real services: a thread that hangs is told, and waiting for others is none."""

import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from local.stack import EmbeddedStack
from producer.lag_watch import LONGEST_LOOK_S
from runtime.s3 import SLOWEST_ANSWER_S
from tests.integration.odd_stores import store_that_trickles
from tests.integration.postproc_process import World, ensure_our_topics
from tests.integration.producer_process import ProducerProcess, camera, producing
from tests.postproc_results import batch_result
from tests.producer_clips import ClipSpec, write_clip

Eventually = Callable[[Callable[[], bool], str, float], None]
STUCK_AFTER_S = SLOWEST_ANSWER_S + 1


@pytest.fixture
def world(kafka: EmbeddedStack, s3: EmbeddedStack, tmp_path: Path) -> World:
    ensure_our_topics(kafka)
    name = f"health-{uuid.uuid4().hex[:8]}"
    world = World(kafka, s3, name, name, tmp_path)
    world.start_group_at_the_end()
    return world


def holds_for(condition: Callable[[], bool], seconds: float) -> Callable[[], bool]:
    """Return what to wait for: that so much time has passed, in which the condition held."""
    ends_s = time.monotonic() + seconds

    def has_held() -> bool:
        assert condition()
        return time.monotonic() > ends_s

    return has_held


def test_an_upload_that_never_ends_is_told_by_healthz_though_the_loop_turns(
    world: World, eventually: Eventually
) -> None:
    is_over = threading.Event()
    with store_that_trickles("/evidence/hung/", is_over) as url:
        changes = {
            "FRAMERAIL_S3_ENDPOINT_URL": url,
            "FRAMERAIL_STUCK_AFTER_S": str(STUCK_AFTER_S),
        }
        with world.postproc(**changes) as postproc:
            eventually(postproc.is_ready, "it is ready", 30)
            [well] = world.send([batch_result("well")])
            eventually(lambda: world.committed() == well + 1, "another picture is stored", 30)
            assert postproc.is_healthy()
            world.send([batch_result("hung")])
            eventually(
                lambda: not postproc.is_healthy(), "it says that it hangs", STUCK_AFTER_S + 30
            )
            assert postproc.metric("framerail_healthy") == 0
            assert postproc.is_ready(), "and nothing else has happened"
            postproc.send(signal.SIGUSR1)
            eventually(lambda: "postproc/store.py" in postproc.output(), "it says where", 10)
            is_over.set()
            eventually(postproc.is_healthy, "it goes on once the store has answered", 60)


def test_a_store_that_is_away_for_long_makes_no_service_that_hangs(
    world: World, eventually: Eventually
) -> None:
    with ExitStack() as stores:
        url = stores.enter_context(store_that_trickles("/nothing/", threading.Event()))
        changes = {"FRAMERAIL_S3_ENDPOINT_URL": url, "FRAMERAIL_STUCK_AFTER_S": str(STUCK_AFTER_S)}
        with world.postproc(**changes) as postproc:
            eventually(postproc.is_ready, "it is ready", 30)
            stores.close()
            world.send([batch_result("away")])
            eventually(lambda: bool(postproc.events("store.away")), "it notices", 30)
            healthy = holds_for(postproc.is_healthy, STUCK_AFTER_S + 10)
            eventually(healthy, "it is healthy all the while", STUCK_AFTER_S + 60)
            assert not postproc.is_ready()


@contextmanager
def frozen(port: int) -> Iterator[None]:
    """Let whoever listens on a port stand still."""
    (process,) = [each for each in psutil.process_iter() if port in _listened_on(each)]
    process.suspend()
    try:
        yield
    finally:
        process.resume()


def _listened_on(process: psutil.Process) -> set[int]:
    try:
        opened = process.net_connections("tcp")
    except psutil.Error:
        return set()
    return {each.laddr[1] for each in opened if each.status == psutil.CONN_LISTEN and each.laddr}


def told_healthy(producer: ProducerProcess) -> bool:
    """Return whether it is; where it is not, it tells where its threads are first."""
    is_healthy = producer.answers("/healthz")
    if not is_healthy:
        producer.process.send_signal(signal.SIGUSR1)
        time.sleep(1)
    assert is_healthy, producer.output()
    return is_healthy


def test_a_producer_whose_kafka_stands_still_does_not_hang_itself(
    kafka: EmbeddedStack, rtsp_server: EmbeddedStack, tmp_path: Path, eventually: Eventually
) -> None:
    stream_id = f"health-{uuid.uuid4().hex[:8]}"
    url = f"{rtsp_server.addresses.rtsp_url}/{stream_id}"
    changes = {
        "FRAMERAIL_STUCK_AFTER_S": str(LONGEST_LOOK_S + 1),
        "FRAMERAIL_STALL_TIMEOUT_S": "2",
    }
    clip = write_clip(tmp_path / "clip.mp4", ClipSpec(frames=100))
    bootstrap = kafka.addresses.kafka_bootstrap
    streams = [{"id": stream_id, "url": url}]
    with camera(clip, url), producing(tmp_path, bootstrap, streams, **changes) as producer:
        eventually(lambda: producer.published(stream_id) > 0, "frames are published", 40)
        with frozen(kafka.ports.kafka):
            healthy = holds_for(lambda: told_healthy(producer), LONGEST_LOOK_S + 10)
            eventually(healthy, "it is healthy all the while", 60)
        before = producer.published(stream_id)
        eventually(lambda: producer.published(stream_id) > before, "it publishes again", 40)
        assert producer.metric("healthy") == 1
