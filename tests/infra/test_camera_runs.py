"""The camera's configuration in the real MediaMTX: who may read, and that pictures come."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import pytest
from av.error import FFmpegError
from camera import camera_environment
from cloud_init import CAMERA_FILES, user_data
from naming import Names

from local.ports import free_ports
from local.prepare.mediamtx_server import prepare_mediamtx
from local.probes import rtsp_answers
from local.stack import CHECKOUT
from tests.infra.unpacked import write_files

CACHE = Path(os.environ.get("FRAMERAIL_HOME", CHECKOUT / ".framerail")) / "cache"
CLIP = CHECKOUT / "local" / "clip" / "pedestrians.mp4"
PASSWORD = "Pa55wordOfReaders"
# The image brings FFmpeg. Where this machine has none, the embedded stack's publisher stands in.
STAND_IN = """\
#!/bin/sh
for url; do :; done
exec {python} -m local.camera --video {clip} --url "$url"
"""


@dataclass(frozen=True)
class RunningCamera:
    port: int
    log: Path

    def url(self, user: str = "", path: str = "cam1") -> str:
        return f"rtsp://{user}127.0.0.1:{self.port}/{path}"


def programs(root: Path) -> str:
    """The PATH of MediaMTX, on which there is an ffmpeg."""
    if shutil.which("ffmpeg") is None:
        stand_in = root / "ffmpeg"
        stand_in.write_text(STAND_IN.format(python=sys.executable, clip=CLIP))
        stand_in.chmod(0o755)
    return f"{root}:{os.environ['PATH']}"


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCamera]:
    root = tmp_path_factory.mktemp("camera")
    there = camera_environment(
        Names("framerail", "test", "owner"), "ap-south-1", "s3://b/clip", ("reader-password",)
    )
    write_files(user_data(CAMERA_FILES, there), root)
    (port,) = free_ports(1)
    secrets, scripts = root / "run", root / there["SCRIPTS"].lstrip("/")
    secrets.mkdir()
    (secrets / "reader-password").write_text(PASSWORD)
    environment = os.environ | there
    environment |= {
        "SECRETS": str(secrets),
        "SCRIPTS": str(scripts),
        "CLIP": str(CLIP),
        "RTSP_ADDRESS": f"127.0.0.1:{port}",
        "PATH": programs(root),
        "PYTHONPATH": str(CHECKOUT),
    }
    subprocess.run((str(scripts / "camera_configure.sh"),), env=environment, check=True)
    server = prepare_mediamtx(CACHE, lambda _part, _detail: None)
    log = root / "mediamtx.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            (str(server), str(secrets / "mediamtx.yml")), env=environment, stdout=output
        )
    try:
        wait_until_it_answers(process, port, log)
        yield RunningCamera(port, log)
    finally:
        process.terminate()
        process.wait(20)


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s and process.poll() is None:
        try:
            if rtsp_answers(port):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"MediaMTX does not run: {log.read_text()}")


def pictures(url: str, count: int) -> int:
    """Decode that many pictures, and return their width."""
    options = {"rtsp_transport": "tcp", "timeout": "15000000"}
    with av.open(url, options=options) as stream:
        widths = {frame.width for frame in islice(stream.decode(video=0), count)}
    (width,) = widths
    return width


def test_the_reader_sees_the_clip(camera: RunningCamera) -> None:
    assert pictures(camera.url(f"reader:{PASSWORD}@"), 10) == 768


def test_several_cameras_play_at_once(camera: RunningCamera) -> None:
    for path in ("cam1", "cam2", "cam8"):
        assert pictures(camera.url(f"reader:{PASSWORD}@", path), 3) == 768


@pytest.mark.parametrize("user", ["", "reader:guess@", "any:any@"])
def test_nobody_else_may_read(camera: RunningCamera, user: str) -> None:
    with pytest.raises(FFmpegError, match=r"401|Unauthorized|authorization"):
        pictures(camera.url(user), 1)


def test_there_is_no_ninth_camera(camera: RunningCamera) -> None:
    with pytest.raises(FFmpegError):
        pictures(camera.url(f"reader:{PASSWORD}@", "cam9"), 1)
