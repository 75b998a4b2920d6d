"""The cameras of the pictures: the demo's clip from four places on, each published by a process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import yaml

from local.camera import CLIP
from local.stack import CHECKOUT

CAMERAS: dict[str, dict[str, int]] = {"dock": {}, "gate": {}, "hall": {"max_fps": 5}, "yard": {}}
"""What `streams.yaml` says of each beside its address."""


def streams_file(folder: Path, rtsp_url: str) -> Path:
    """Write the file that names all of them."""
    streams = [{"id": name, "url": f"{rtsp_url}/{name}", **more} for name, more in CAMERAS.items()]
    path = folder / "streams.yaml"
    path.write_text(yaml.safe_dump({"streams": streams}, sort_keys=False))
    return path


@contextmanager
def published(folder: Path, rtsp_url: str) -> Iterator[None]:
    """Publish them for as long as the context lasts; the RTSP server may come later."""
    running = [
        subprocess.Popen(  # noqa: S603  # our own module
            (
                *(sys.executable, "-m", "local.camera", "--url", f"{rtsp_url}/{name}"),
                *("--video", str(_from_elsewhere(folder / f"{name}.mp4", at / len(CAMERAS)))),
            ),
            cwd=CHECKOUT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for at, name in enumerate(CAMERAS)
    ]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _from_elsewhere(path: Path, begin: float) -> Path:
    """Write the clip from the key frame on that lies at this part of it, then what was before."""
    with av.open(CLIP) as source, av.open(path, "w") as target:
        video = source.streams.video[0]
        copy = target.add_stream_from_template(video)
        packets = [packet for packet in source.demux(video) if packet.dts is not None]
        keys = [at for at, packet in enumerate(packets) if packet.is_keyframe]
        first = keys[round(begin * len(keys))]
        step = packets[0].duration or 1
        for number, packet in enumerate([*packets[first:], *packets[:first]]):
            packet.stream = copy
            packet.pts = packet.dts = number * step  # the clip has no B-frames
            target.mux(packet)
    return path
