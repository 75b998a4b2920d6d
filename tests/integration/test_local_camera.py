"""A file published by `local.camera` is to a reader what a live camera is."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.error import FFmpegError

from local.publishing import Publisher, ServerLost
from local.servers.mediamtx import RtspReader
from local.stack import CHECKOUT, EmbeddedStack, StackPorts
from local.supervisor import Supervisor, say_nothing
from local.workspace import Workspace
from tests.integration.local_processes import stack_process

Eventually = Callable[[Callable[[], bool], str, float], None]
RATE, SECONDS = 15, 1


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of H.264 with B-frames, and sound."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=RATE, options={"bf": "2", "g": "15"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("aac", rate=16_000)
        for number in range(RATE * SECONDS):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 9, np.uint8))
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            container.mux(video.encode(picture))
        for number in range(16_000 * SECONDS // 1024):
            silence = np.zeros((1, 1024), np.float32)
            sound = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            sound.sample_rate, sound.pts = 16_000, number * 1024
            sound.time_base = Fraction(1, 16_000)
            container.mux(audio.encode(sound))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


@contextmanager
def camera(clip: Path, url: str, *options: str) -> Iterator["subprocess.Popen[str]"]:
    argv = [sys.executable, "-m", "local.camera", "--video", str(clip), "--url", url, *options]
    process = subprocess.Popen(
        argv, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def can_read(url: str) -> bool:
    try:
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=5) as reader:
            return next(iter(reader.demux(video=0))).size > 0
    except (FFmpegError, StopIteration):
        return False


def test_the_times_only_grow_while_the_file_is_played_again_and_again(
    clip: Path, rtsp_server: EmbeddedStack, eventually: Eventually
) -> None:
    url = f"{rtsp_server.addresses.rtsp_url}/loop"
    with camera(clip, url) as process:
        eventually(lambda: can_read(url), "the stream can be read", 15)
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=10) as reader:
            kinds = {stream.type for stream in reader.streams}
            packets = reader.demux(video=0)
            times = [
                float(packet.dts * packet.time_base)
                for packet in islice(packets, 3 * RATE * SECONDS)
                if packet.dts is not None and packet.time_base is not None
            ]
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert kinds == {"video", "audio"}
    assert all(later > earlier for earlier, later in pairwise(times))
    assert times[-1] - times[0] == pytest.approx(3 * SECONDS, rel=0.1)


def test_once_ends_after_one_pass(clip: Path, rtsp_server: EmbeddedStack) -> None:
    with camera(clip, f"{rtsp_server.addresses.rtsp_url}/once", "--once") as process:
        assert process.wait(timeout=20) == 0


def test_a_file_that_is_no_video_is_refused(tmp_path: Path, rtsp_server: EmbeddedStack) -> None:
    text = tmp_path / "no-video.mp4"
    text.write_text("words", encoding="ascii")
    with camera(text, f"{rtsp_server.addresses.rtsp_url}/none") as process:
        assert process.wait(timeout=20) == 2


def test_the_camera_comes_back_after_its_server_was_killed(
    clip: Path, tmp_path: Path, server_cache: Path, eventually: Eventually
) -> None:
    with stack_process(Workspace(tmp_path, server_cache), "mediamtx") as stack:
        url = f"{stack.state().addresses['rtsp_url']}/cam"
        with camera(clip, url):
            eventually(lambda: can_read(url), "the stream can be read", 15)
            server = stack.part("mediamtx").process
            assert server is not None
            os.kill(server.pid, signal.SIGKILL)
            eventually(lambda: stack.part("mediamtx").restarts == 1, "started again", 15)
            eventually(lambda: can_read(url), "the stream is back", 30)


def test_credentials_of_a_refused_url_never_reach_the_output(clip: Path) -> None:
    with camera(clip, "rtsp://someone:hush@127.0.0.1:1/cam") as process:
        assert process.stdout is not None
        first_lines = "".join(islice(process.stdout, 2))
    assert "camera.lost" in first_lines
    assert "hush" not in first_lines
    with pytest.raises(ServerLost) as refused:
        Publisher(clip, "rtsp://someone:hush@127.0.0.1:1/cam").publish(threading.Event(), passes=1)
    assert "hush" not in str(refused.value)


def test_only_the_reader_with_the_password_may_read(
    clip: Path, tmp_path: Path, server_cache: Path, eventually: Eventually
) -> None:
    stack = EmbeddedStack(
        Workspace(tmp_path, server_cache),
        StackPorts.choose(),
        ("mediamtx",),
        reader=RtspReader("viewer", "hush"),
    )
    parts = stack.prepare(say_nothing)
    with Supervisor(stack.workspace) as supervisor:
        supervisor.start(parts)
        url = f"{stack.addresses.rtsp_url}/cam"
        with_password = url.replace("rtsp://", "rtsp://viewer:hush@")
        with camera(clip, url):
            eventually(lambda: can_read(with_password), "the reader reads", 15)
            assert not can_read(url)
