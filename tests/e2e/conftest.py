"""A running pipeline that reads one camera of each kind, shared by the tests of this folder."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
import yaml

from local.ports import free_ports
from ops.options import DEMO_VIDEO
from ops.target import Target, local_target
from tests.e2e.framerail_command import Framerail
from tests.producer_clips import ClipSpec, write_clip

KINDS = {
    "fullhd": [ClipSpec(size_wh=(1920, 1080), fps=10, frames=40)],
    "h265": [ClipSpec(codec="libx265", fps=10, frames=40)],
    "sound": [ClipSpec(fps=10, frames=40, has_sound=True)],
    "bframes": [ClipSpec(fps=10, frames=40, b_frames=2)],
    "odd": [ClipSpec(size_wh=(641, 361), fps=10, frames=40, pixel_format="yuv444p")],
    "resizing": [
        ClipSpec(size_wh=(320, 240), fps=10, frames=30),
        ClipSpec(size_wh=(640, 360), fps=10, frames=30),
    ],
}
PEOPLE = "people"
DEAD = "dead"
PEOPLE_FRAMES = 110


@dataclass(frozen=True)
class Pipeline:
    """A pipeline on which every camera has played its clip to the end, but for the dead one."""

    framerail: Framerail
    report: dict[str, Any]

    @property
    def addresses(self) -> dict[str, str]:
        addresses: dict[str, str] = self.report["addresses"]
        return addresses

    @property
    def target(self) -> Target:
        addresses = {**self.addresses, "bucket": self.report["bucket"]}
        return local_target(addresses, Path(self.report["credentials_file"]))


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Finite videos, by the stream that plays them one after the other."""
    folder = tmp_path_factory.mktemp("clips")
    made = {
        name: [
            write_clip(folder / f"{name}-{at}.mp4", spec) for at, spec in enumerate(specifications)
        ]
        for name, specifications in KINDS.items()
    }
    return {**made, PEOPLE: [_first_frames(DEMO_VIDEO, folder / "people.mp4", PEOPLE_FRAMES)]}


def _first_frames(video: Path, path: Path, count: int) -> Path:
    with av.open(str(video)) as source, av.open(str(path), "w") as cut:
        stream = cut.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if number == count:
                break
            packet.stream = stream
            cut.mux(packet)
    return path


@pytest.fixture(scope="session")
def pipeline(
    tmp_path_factory: pytest.TempPathFactory, clips: dict[str, list[Path]]
) -> Iterator[Pipeline]:
    """Play every clip once through a pipeline, and wait until its books are closed."""
    home = tmp_path_factory.mktemp("home")
    framerail = Framerail(home)
    with _running(framerail, home / "streams.yaml", [*clips, DEAD]) as rtsp_url:
        publishers = [
            subprocess.Popen([sys.executable, "-c", _PLAY, f"{rtsp_url}/{name}", *map(str, files)])
            for name, files in clips.items()
        ]
        try:
            assert [publisher.wait(timeout=120) for publisher in publishers] == [0] * len(clips)
        finally:
            for publisher in publishers:
                publisher.kill()
        report = _settled(framerail)
        yield Pipeline(framerail, report)


_PLAY = """
import subprocess, sys
url, *files = sys.argv[1:]
for file in files:
    play = ["-m", "local.camera", "--video", file, "--url", url, "--once"]
    subprocess.run([sys.executable, *play], check=True)
"""


@contextmanager
def _running(framerail: Framerail, streams_file: Path, names: list[str]) -> Iterator[str]:
    rtsp_port, dead_port = free_ports(2)
    rtsp_url = f"rtsp://127.0.0.1:{rtsp_port}"
    urls = {name: f"{rtsp_url}/{name}" for name in names} | {
        DEAD: f"rtsp://user:secret@127.0.0.1:{dead_port}/nobody"
    }
    streams = [{"id": name, "url": url} for name, url in urls.items()]
    streams_file.write_text(yaml.safe_dump({"streams": streams}))
    up = framerail.run(
        *("up", "--streams", str(streams_file), "--port", f"rtsp={rtsp_port}"),
        FRAMERAIL_RECONNECT_LONGEST_S="1",
        FRAMERAIL_RECONNECT_FIRST_S="0.5",
        FRAMERAIL_EVIDENCE="spread:2",
    )
    assert up.returncode == 0, up.stderr
    try:
        yield rtsp_url
    finally:
        down = framerail.run("down")
        assert (down.returncode, framerail.processes()) == (0, []), down.stderr


def _settled(framerail: Framerail) -> dict[str, Any]:
    deadline_s = time.monotonic() + 120
    before: dict[str, Any] = {}
    while time.monotonic() < deadline_s:
        report = framerail.status()
        published = {name: stream["published"] for name, stream in report["streams"].items()}
        is_done = all(
            stream["waiting"] == 0 and stream["evidence"] == stream["evidence_promised"]
            for stream in report["streams"].values()
        )
        if is_done and published == before:
            return report
        before = published
    pytest.fail(f"the books did not close: {report}")
