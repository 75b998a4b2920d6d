"""MediaMTX as a plain RTSP server: over TCP, on the loopback interface, all else off."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from local.part import Part, Restart
from local.ports import HOST
from local.probes import rtsp_answers
from local.workspace import Workspace, write_private


@dataclass(frozen=True, slots=True)
class RtspReader:
    """The only user who may read, and the methods by which the password may be proven."""

    user: str
    password: str
    methods: tuple[Literal["basic", "digest"], ...] = ("basic", "digest")

    def __repr__(self) -> str:
        return f"RtspReader({self.user!r}, password hidden)"


def mediamtx_part(
    workspace: Workspace, program: Path, port: int, reader: RtspReader | None = None
) -> Part:
    """Write MediaMTX's configuration and return its part.

    Anyone may publish on any path, and read too unless a `reader` is given.
    """
    # JSON is YAML; private because it may hold the reader's password.
    configuration = workspace.configuration / "mediamtx.yml"
    write_private(configuration, json.dumps(mediamtx_configuration(port, reader), indent=2))
    return Part(
        name="mediamtx",
        argv=(str(program), str(configuration)),
        ready=lambda: rtsp_answers(port),
        ports=(port,),
        restart=Restart(),
    )


def mediamtx_configuration(port: int, reader: RtspReader | None) -> dict[str, Any]:
    """Return the settings that differ from MediaMTX's defaults."""
    others = ("rtmp", "hls", "webrtc", "srt", "api", "metrics", "pprof", "playback")
    return {
        "logLevel": "info",
        **dict.fromkeys(others, False),
        "rtsp": True,
        "rtspTransports": ["tcp"],
        "rtspAddress": f"{HOST}:{port}",
        **({} if reader is None else {"rtspAuthMethods": list(reader.methods)}),
        "authInternalUsers": _users(reader),
        "paths": {"all_others": {}},
    }


def _users(reader: RtspReader | None) -> list[dict[str, Any]]:
    if reader is None:
        return [{"user": "any", "permissions": [{"action": "publish"}, {"action": "read"}]}]
    return [
        {"user": "any", "permissions": [{"action": "publish"}]},
        {
            "user": reader.user,
            "pass": reader.password,
            "permissions": [{"action": "read"}],
        },
    ]
