"""What a stack on this machine is to run; checked before anything is started."""

import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from msgspec import Struct

from contracts.names import checked_stream_id
from local.stack import CHECKOUT, StackPorts
from local.workspace import Workspace
from ops.suggestion import nearest
from runtime.errors import ConfigurationError

DEMO_VIDEO = CHECKOUT / "local" / "clip" / "pedestrians.mp4"
SERVICES = ("producer", "consumer", "postproc")
STARTUP = "startup_s"
"""File of a stack that says how many seconds its start took."""
SERVICE_PORTS = ("viewer", *(f"{name}_metrics" for name in (*SERVICES, "viewer")))
"""What can be fixed of our own: the page, and where each service shows its metrics."""
HOME_VARIABLE = "FRAMERAIL_HOME"
CACHE_VARIABLE = "FRAMERAIL_CACHE"
CAMERA_URL_VARIABLE = "FRAMERAIL_CAMERA_URL"
"""Carries the URL of --rtsp to the producer: it may hold a password, which no file should."""


class StackOptions(Struct, frozen=True, kw_only=True):
    """Where frames come from, and which ports are fixed; a port not named is chosen freely.

    `streams_file` lists cameras of one's own, `rtsp_url` is one such camera; else `cameras` local
    cameras play `video` over and over. `is_watched`: the viewer and the ledger run beside the
    services.
    """

    cameras: int = 1
    video: str = str(DEMO_VIDEO)
    rtsp_url: str | None = None
    streams_file: str | None = None
    ports: dict[str, int] = {}
    is_watched: bool = True

    @property
    def local_cameras(self) -> list[str]:
        """The stream ids of the cameras that play the video."""
        if self.rtsp_url is not None or self.streams_file is not None:
            return []
        return [checked_stream_id(f"cam{number}") for number in range(1, self.cameras + 1)]


def checked_options(options: StackOptions) -> StackOptions:
    """Return `options`, or raise ConfigurationError for what cannot be run."""
    if options.rtsp_url is not None and options.streams_file is not None:
        raise ConfigurationError("--rtsp and --streams exclude each other: name the camera once")
    if not options.local_cameras and (options.cameras, options.video) != (1, str(DEMO_VIDEO)):
        raise ConfigurationError("--cameras and --video are for local cameras: leave them out")
    if options.streams_file is not None:
        from runtime.streams_file import read_streams

        read_streams(Path(options.streams_file), os.environ)
    if options.rtsp_url is not None:
        _check_rtsp(options.rtsp_url)
    _check_ports(options.ports)
    if options.local_cameras:
        _check_video(Path(options.video))
    return options


def _check_rtsp(url: str) -> None:
    from pydantic import ValidationError

    from runtime.streams_file import StreamSpec

    try:
        StreamSpec(id="cam1", url=url)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"--rtsp: {said}") from None


def _check_ports(ports: Mapping[str, int]) -> None:
    known = port_names()
    for name in ports.keys() - set(known):
        raise ConfigurationError(f"--port: no such ports: {name}{nearest(name, known)}")
    for number in set(ports.values()):
        sharing = sorted(name for name in ports if ports[name] == number)
        if len(sharing) > 1:
            raise ConfigurationError(f"--port: {' and '.join(sharing)} both have port {number}")


def port_names() -> list[str]:
    """Return the names of the ports that can be fixed: those of the servers, then the services."""
    return [*(field.name for field in fields(StackPorts)), *SERVICE_PORTS]


def of_services(ports: Mapping[str, int]) -> dict[str, int]:
    """Return those of the fixed ports that are the services'."""
    return {name: ports[name] for name in SERVICE_PORTS if name in ports}


def of_servers(ports: Mapping[str, int]) -> dict[str, int]:
    """Return those of the fixed ports that are the servers'."""
    return {name: number for name, number in ports.items() if name not in SERVICE_PORTS}


def _check_video(video: Path) -> None:
    import av
    from av.error import FFmpegError

    if not video.is_file():
        raise ConfigurationError(f"--video {video}: no such file")
    try:
        with av.open(str(video)) as container:
            has_video = bool(container.streams.video)
    except FFmpegError as error:
        raise ConfigurationError(f"--video {video}: not a video ({error.strerror})") from error
    if not has_video:
        raise ConfigurationError(f"--video {video}: it holds no video stream")


def home() -> Path:
    """Return the folder of all that runs on this machine: FRAMERAIL_HOME, or `.framerail`."""
    return _usable_folder(HOME_VARIABLE, CHECKOUT / ".framerail")


def _cache() -> Path:
    """Return where prepared servers are kept: FRAMERAIL_CACHE, or `cache` in the home folder."""
    return _usable_folder(CACHE_VARIABLE, home() / "cache")


def _usable_folder(variable: str, otherwise: Path) -> Path:
    folder = Path(os.environ.get(variable, otherwise)).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"cannot be made or is no folder ({error.strerror})"
        raise ConfigurationError(f"{variable} {folder}: {reason}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(f"{variable} {folder}: this user may not write there")
    return folder


def lasting_workspace() -> Workspace:
    """Return where `framerail up` runs."""
    return Workspace(home(), _cache())


def demo_workspace() -> Workspace:
    """Return where `framerail demo` runs, apart from a stack that stays."""
    return Workspace(home() / "demo", _cache())
