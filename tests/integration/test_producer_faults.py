"""Cameras and brokers that fail and come back: nothing is lost in silence, nothing is blocked."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from local.servers.mediamtx import RtspReader
from local.stack import EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from tests.integration.local_processes import StackProcess, stack_process
from tests.integration.producer_process import (
    Eventually,
    camera,
    frames_in_kafka,
    producing,
)
from tests.producer_clips import ClipSpec, write_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", ClipSpec())


def pid_of(stack: StackProcess, server: str) -> int:
    process = stack.part(server).process
    assert process is not None
    return process.pid


@contextmanager
def guarded_rtsp_server(folder: Path, cache: Path) -> Iterator[EmbeddedStack]:
    """An RTSP server that only `viewer` with the password `hush` may read."""
    stack = EmbeddedStack(
        Workspace(folder, cache),
        StackPorts.choose(),
        ("mediamtx",),
        reader=RtspReader("viewer", "hush"),
    )
    parts = stack.prepare(say_nothing)
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts, stack.addresses_by_name())
        yield stack


def test_a_camera_that_is_absent_at_the_start_is_published_once_it_comes(
    tmp_path: Path,
    clip: Path,
    kafka: EmbeddedStack,
    rtsp_server: EmbeddedStack,
    eventually: Eventually,
) -> None:
    url = f"{rtsp_server.addresses.rtsp_url}/late"
    streams = [{"id": "late", "url": url}]
    with producing(tmp_path, kafka.addresses.kafka_bootstrap, streams) as producer:
        eventually(lambda: bool(producer.events("stream.lost")), "the camera is missed", 20)
        assert "no such path" in producer.events("stream.lost")[0]["reason"]
        with camera(clip, url):
            eventually(lambda: producer.published("late") > 0, "frames flow", 20)
            assert producer.metric("stream_connected", stream="late") == 1
        eventually(
            lambda: producer.metric("stream_connected", stream="late") == 0, "it is gone", 20
        )
        assert producer.stop() == 0


def test_a_wrong_password_is_named_and_the_right_one_is_never_shown(
    tmp_path: Path, clip: Path, server_cache: Path, kafka: EmbeddedStack, eventually: Eventually
) -> None:
    with guarded_rtsp_server(tmp_path / "rtsp", server_cache) as rtsp:
        address = rtsp.addresses.rtsp_url.removeprefix("rtsp://")
        streams = [
            {"id": "refused", "url": f"rtsp://viewer:wrong-one@{address}/guarded"},
            {"id": "guarded", "url": f"rtsp://viewer:${{CAMERA_PASSWORD}}@{address}/guarded"},
        ]
        with (
            camera(clip, f"rtsp://{address}/guarded"),
            producing(
                tmp_path, kafka.addresses.kafka_bootstrap, streams, CAMERA_PASSWORD="hush"
            ) as producer,
        ):
            eventually(lambda: producer.published("guarded") > 5, "frames flow", 30)
            eventually(
                lambda: bool(producer.events("stream.lost", stream="refused")), "refused", 20
            )
            (lost,) = producer.events("stream.lost", stream="refused")
            assert "refused the user or password" in lost["reason"]
            assert producer.stop() == 0
            assert "hush" not in producer.output()
            assert "wrong-one" not in producer.output()


def test_a_server_that_is_killed_is_connected_again_as_a_new_session(
    tmp_path: Path, clip: Path, server_cache: Path, kafka: EmbeddedStack, eventually: Eventually
) -> None:
    bootstrap = kafka.addresses.kafka_bootstrap
    with stack_process(Workspace(tmp_path / "rtsp", server_cache), "mediamtx") as stack:
        url = f"{stack.state().addresses['rtsp_url']}/killed"
        with (
            camera(clip, url),
            producing(tmp_path, bootstrap, [{"id": "killed", "url": url}]) as producer,
        ):
            eventually(lambda: producer.published("killed") > 5, "frames flow", 30)
            os.kill(pid_of(stack, "mediamtx"), signal.SIGKILL)
            eventually(lambda: len(producer.events("stream.connected")) == 2, "connected again", 40)
            seen = producer.published("killed")
            eventually(lambda: producer.published("killed") > seen, "frames flow again", 20)
            assert producer.metric("stream_reconnects_total", stream="killed") >= 1
            assert producer.stop() == 0
    frames = frames_in_kafka(bootstrap, "killed")
    assert len({frame.headers.session for frame in frames}) == 2
    times_ns = [frame.headers.captured_ns for frame in frames]
    assert all(later > earlier for earlier, later in pairwise(times_ns))


def test_a_server_that_freezes_is_noticed_within_ten_seconds_and_holds_up_no_stop(
    tmp_path: Path, clip: Path, server_cache: Path, kafka: EmbeddedStack, eventually: Eventually
) -> None:
    defaults = {"FRAMERAIL_STALL_TIMEOUT_S": "4"}
    with stack_process(Workspace(tmp_path / "rtsp", server_cache), "mediamtx") as stack:
        url = f"{stack.state().addresses['rtsp_url']}/stalled"
        streams = [{"id": "stalled", "url": url}]
        with (
            camera(clip, url),
            producing(tmp_path, kafka.addresses.kafka_bootstrap, streams, **defaults) as producer,
        ):
            eventually(lambda: producer.published("stalled") > 5, "frames flow", 30)
            server = pid_of(stack, "mediamtx")
            os.kill(server, signal.SIGSTOP)
            try:
                eventually(lambda: bool(producer.events("stream.lost")), "the stall is told", 10)
                assert "stalled" in producer.events("stream.lost")[0]["reason"]
                assert producer.answers("/healthz")
                started_s = time.monotonic()
                assert producer.stop() == 0
                assert time.monotonic() - started_s < 12
            finally:
                os.kill(server, signal.SIGCONT)


def test_while_kafka_is_away_the_oldest_frames_are_dropped_and_nothing_acknowledged_is_lost(
    tmp_path: Path,
    clip: Path,
    server_cache: Path,
    rtsp_server: EmbeddedStack,
    eventually: Eventually,
) -> None:
    url = f"{rtsp_server.addresses.rtsp_url}/outage"
    bounds = {"FRAMERAIL_BUFFER_FRAMES": "20", "FRAMERAIL_MAX_IN_FLIGHT": "10"}
    with stack_process(Workspace(tmp_path / "kafka", server_cache), "kafka") as stack:
        bootstrap = stack.state().addresses["kafka_bootstrap"]
        streams = [{"id": "outage", "url": url}]
        with (
            camera(clip, url),
            producing(tmp_path, bootstrap, streams, **bounds) as producer,
        ):
            eventually(lambda: producer.published("outage") > 25, "frames flow", 30)
            os.kill(pid_of(stack, "kafka"), signal.SIGKILL)
            eventually(
                lambda: producer.metric("frames_dropped_total", reason="backlog") > 0,
                "the oldest are dropped",
                30,
            )
            assert producer.metric("buffer_frames") <= 20
            seen = producer.published("outage")
            eventually(lambda: producer.published("outage") > seen + 30, "frames go on", 60)
            assert producer.stop() == 0
        frames = frames_in_kafka(bootstrap, "outage")
    sequence = [frame.headers.seq for frame in frames]
    assert sequence == sorted(set(sequence))
    told = sum(sum(frame.headers.dropped.values()) for frame in frames)
    assert sequence[-1] + 1 == len(frames) + told


def test_a_stop_while_kafka_is_away_is_bounded_and_says_what_was_not_published(
    tmp_path: Path,
    clip: Path,
    server_cache: Path,
    rtsp_server: EmbeddedStack,
    eventually: Eventually,
) -> None:
    url = f"{rtsp_server.addresses.rtsp_url}/unstored"
    with stack_process(Workspace(tmp_path / "kafka", server_cache), "kafka") as stack:
        bootstrap = stack.state().addresses["kafka_bootstrap"]
        streams = [{"id": "unstored", "url": url}]
        with (
            camera(clip, url),
            producing(tmp_path, bootstrap, streams, FRAMERAIL_STOP_TIMEOUT_S="3") as producer,
        ):
            eventually(lambda: producer.published("unstored") > 5, "frames flow", 30)
            broker = pid_of(stack, "kafka")
            os.kill(broker, signal.SIGSTOP)
            try:
                eventually(lambda: producer.metric("buffer_frames") > 0, "frames wait", 30)
                started_s = time.monotonic()
                assert producer.stop() == 0
                assert time.monotonic() - started_s < 8
            finally:
                os.kill(broker, signal.SIGCONT)
            (stopped,) = producer.events("stream.stopped")
            assert stopped["unpublished"] > 0
            assert "Traceback" not in producer.output()
